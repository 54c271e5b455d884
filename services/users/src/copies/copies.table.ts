import type { ColumnType } from 'kysely'

export interface CopiedListTable {
  name: ColumnType<string, never, never>
  version: string
}
