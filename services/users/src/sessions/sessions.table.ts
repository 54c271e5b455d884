import type { ColumnType, Generated } from 'kysely'

export interface SessionTable {
  id: ColumnType<string, string, never>
  user_id: ColumnType<string, string, never>
  device_id: ColumnType<string, string, never>
  /** The audience of its access tokens. */
  face: ColumnType<string, string, never>
  /** What its owner may know it by; null where nothing told. */
  device_name: ColumnType<string | null, string | null, never>
  /** Counts refreshes from 1; the refresh token of this number is the live one. */
  generation: Generated<number>
  /** Key that signed the live refresh token: whoever derives it again must get the same. */
  token_key_id: string
  rotated_at: Date | null
  created_at: ColumnType<Date, Date, never>
  idle_expires_at: Date
  expires_at: ColumnType<Date, Date, never>
  revoked_at: Date | null
}
