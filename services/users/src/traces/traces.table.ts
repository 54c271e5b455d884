import type { TraceEvent } from '@latchkey/contracts/queues/trace'
import type { ColumnType } from 'kysely'

type Fixed<T> = ColumnType<T, T, never>

/** One thing that a gateway decided. */
export interface MessageTraceTable {
  id: Fixed<string>
  at: Fixed<Date>
  kind: Fixed<TraceEvent['kind']>
  request_id: Fixed<string>
  route: Fixed<string>
  challenge_id: Fixed<string | null>
  message_id: Fixed<string | null>
  /** A keyed hash. */
  phone: Fixed<string | null>
  last_two: Fixed<string | null>
  /** A keyed hash. */
  email: Fixed<string | null>
  email_first: Fixed<string | null>
  face: Fixed<string | null>
  purpose: Fixed<NonNullable<TraceEvent['purpose']> | null>
  country: Fixed<string | null>
  /** Null for SMS. */
  channel: Fixed<NonNullable<TraceEvent['channel']> | null>
  generation: Fixed<number | null>
  says: Fixed<NonNullable<TraceEvent['says']> | null>
  hit: Fixed<NonNullable<TraceEvent['limit']> | null>
  until: Fixed<Date | null>
  attempts_left: Fixed<number | null>
  sent: Fixed<boolean | null>
}
