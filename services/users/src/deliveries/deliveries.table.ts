import type { AttemptOutcome, DeliveryReason, DeliveryState } from '@latchkey/contracts/delivery'
import type { ColumnType } from 'kysely'

export interface SmsMessageTable {
  id: ColumnType<string, string, never>
  challenge_id: ColumnType<string, string, never>
  generation: ColumnType<number, number, never>
  purpose: ColumnType<string, string, never>
  country: ColumnType<string, string, never>
  request_id: ColumnType<string, string, never>
  state: DeliveryState
  /** Rank of the state; it only grows. */
  rank: number
  reason: DeliveryReason | null
  /** Times of the earliest and the latest event heard of. */
  first_at: Date
  last_at: Date
}

export interface SmsAttemptTable {
  message_id: ColumnType<string, string, never>
  number: ColumnType<number, number, never>
  provider: string
  outcome: AttemptOutcome
  provider_message_id: string | null
  carrier_code: string | null
  /** What the code means, in words for operators. */
  says: string | null
  started_at: Date
  ended_at: Date
}
