import type { ColumnType } from 'kysely'

export interface DeviceTable {
  id: ColumnType<string, string, never>
  user_id: ColumnType<string, string, never>
  token_key_id: ColumnType<string, string, never>
  issued_at: ColumnType<Date, Date, never>
  expires_at: Date
  /** When a sign-in with its token gave out the next one. */
  superseded_at: Date | null
}
