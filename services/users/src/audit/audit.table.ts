import type { AuditEntry } from '@latchkey/contracts/admin/audit'
import type { ColumnType, GeneratedAlways } from 'kysely'

export interface AuditTable {
  id: GeneratedAlways<string>
  at: ColumnType<Date, Date, never>
  actor: ColumnType<string, string, never>
  action: ColumnType<string, string, never>
  target: ColumnType<string | null, string | null, never>
  why: ColumnType<string | null, string | null, never>
  /** Of an act that was told by a queue. */
  told_id: ColumnType<string | null, string | null | undefined, never>
  detail: ColumnType<AuditEntry['detail'], AuditEntry['detail'], never>
}
