import type { ColumnType } from 'kysely'

export interface ConsumedChallengeTable {
  challenge_id: ColumnType<string, string, never>
  consumed_at: ColumnType<Date, Date, never>
}
