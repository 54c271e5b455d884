import type { E164 } from '@latchkey/contracts/phone'
import type { ColumnType, GeneratedAlways } from 'kysely'

export interface UserTable {
  id: ColumnType<string, string, never>
  number: GeneratedAlways<string>
  /** Only ever a proved number: on /v1 no account row exists before proof. */
  phone: E164 | null
  phone_verified_at: Date | null
  email: string | null
  email_verified_at: Date | null
  name: string | null
  username: string | null
  role: string
  profile: ColumnType<Record<string, unknown>, Record<string, unknown>, Record<string, unknown>>
  password_hash: string | null
  second_factor: ColumnType<boolean, boolean | undefined, boolean>
  disabled_at: Date | null
  created_at: ColumnType<Date, Date, never>
  updated_at: Date
}
