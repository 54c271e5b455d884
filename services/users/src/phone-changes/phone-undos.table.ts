import type { E164 } from '@latchkey/contracts/phone'
import type { ColumnType, GeneratedAlways } from 'kysely'

export interface PhoneUndoTable {
  /** SHA-256 of the token, which itself stands nowhere. */
  token_hash: ColumnType<string, string, never>
  user_id: ColumnType<string, string, never>
  /** Grows with every change of an account. */
  number: GeneratedAlways<string>
  /** What the account goes back to; null for an account that had none. */
  phone: ColumnType<E164 | null, E164 | null, never>
  /** False where a release kept it that did not change e-mails: then the e-mail stays as it is. */
  emails_too: ColumnType<boolean, boolean, never>
  email: ColumnType<string | null, string | null, never>
  email_verified_at: ColumnType<Date | null, Date | null, never>
  created_at: ColumnType<Date, Date, never>
  expires_at: ColumnType<Date, Date, never>
}
