import type { ColumnType } from 'kysely'

export interface ResetTokenTable {
  id: ColumnType<string, string, never>
  user_id: ColumnType<string, string, never>
  created_at: ColumnType<Date, Date, never>
  expires_at: ColumnType<Date, Date, never>
  used_at: Date | null
}
