import type { E164 } from '@latchkey/contracts/phone'
import type { ColumnType, GeneratedAlways } from 'kysely'

export interface UserTable {
  id: ColumnType<string, string, never>
  number: GeneratedAlways<string>
  /** False before the phone is proved: then phone, e-mail and username are null, and only claimed. */
  active: ColumnType<boolean, boolean | undefined, true>
  /** Only ever a proved number. */
  phone: E164 | null
  phone_verified_at: Date | null
  email: string | null
  email_verified_at: Date | null
  name: string | null
  username: string | null
  role: string
  /** Of an admin: what it was, and what it will be again. */
  role_before: ColumnType<string | null, string | null | undefined, string | null>
  /** When it last became an admin, or ceased to be one. */
  role_changed_at: ColumnType<Date | null, Date | null | undefined, Date | null>
  profile: ColumnType<Record<string, unknown>, Record<string, unknown>, Record<string, unknown>>
  password_hash: string | null
  claimed_phone: E164 | null
  claimed_email: string | null
  claimed_username: string | null
  /** It goes on without a phone where somebody else proves the one it claims. */
  phone_optional: ColumnType<boolean, boolean | undefined, never>
  /** The face and the client that registered it; null once it is active. */
  registered_face: string | null
  registered_client: string | null
  second_factor: ColumnType<boolean, boolean | undefined, boolean>
  disabled_at: Date | null
  last_sign_in_at: Date | null
  /** Challenges that were opened before prove nothing any more. */
  credentials_changed_at: Date | null
  created_at: ColumnType<Date, Date, never>
  updated_at: Date
}
