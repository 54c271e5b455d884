import type { E164 } from '@latchkey/contracts/phone'
import type { ColumnType, GeneratedAlways } from 'kysely'

export interface PhoneUndoTable {
  /** SHA-256 of the token, which itself stands nowhere. */
  token_hash: ColumnType<string, string, never>
  user_id: ColumnType<string, string, never>
  /** Grows with every change of an account. */
  number: GeneratedAlways<string>
  /** What the account goes back to. */
  phone: ColumnType<E164, E164, never>
  created_at: ColumnType<Date, Date, never>
  expires_at: ColumnType<Date, Date, never>
}
