import type { DeliveryReason } from '@latchkey/contracts/delivery'
import type { ReceiptState } from '@latchkey/contracts/queues/delivery-event'
import type { ColumnType } from 'kysely'

export interface SmsReceiptTable {
  provider: ColumnType<string, string, never>
  /** The carrier's own id of what it took. */
  provider_message_id: ColumnType<string, string, never>
  message_id: ColumnType<string, string, never>
  attempt: ColumnType<number | null, number | null, never>
  state: ReceiptState
  /** Rank of the state; it only grows. */
  rank: number
  reason: DeliveryReason | null
  carrier_code: string | null
  /** What the code means, in words for operators. */
  says: ColumnType<string | null, string | null | undefined, string | null>
  segments: number | null
  /** As text: it is money. */
  price: string | null
  currency: string | null
  /** When it was said; for decoys, which are told nothing, possibly still to come. */
  at: Date
  /** The attempt it is about is not in the log yet. */
  parked: ColumnType<boolean, boolean | undefined, boolean>
}
