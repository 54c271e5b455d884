import type { DeliveryReason } from '@latchkey/contracts/delivery'
import type { E164 } from '@latchkey/contracts/phone'

/** One text for one number. */
export interface SmsMessage {
  readonly id: string
  readonly to: E164
  readonly body: string
  /** How long it is worth delivering, from now. */
  readonly lifeMs: number
}

/** What one call came to. The kind decides what happens next (docs/adr/0008-at-least-once-fenced.md); `carrierCode` is for operators. */
export type SendOutcome =
  | { readonly outcome: 'accepted'; readonly providerMessageId: string }
  | { readonly outcome: 'rejected'; readonly reason: DeliveryReason; readonly carrierCode?: string }
  | {
      readonly outcome: 'not_sent'
      readonly reason: DeliveryReason
      readonly carrierCode?: string
      readonly retryAfterMs?: number
      /** Trying again changes nothing until an operator does. */
      readonly permanent?: true
    }
  | { readonly outcome: 'unknown'; readonly carrierCode?: string }

/** A message in a carrier's list. */
export interface Listed {
  readonly providerMessageId: string
  readonly at: Date
  /** As the carrier tells it: possibly changed. */
  readonly body: string
}

/** A way to hand a text to a carrier. Knows nothing of codes, users, templates, queues or retries. */
export interface SmsProvider {
  readonly name: string
  /** No call lasts longer: one that is older and has no outcome was lost with its caller. */
  readonly timeoutMs: number
  /** The state this provider reaches by itself once it accepted, where no receipt will come. */
  readonly endsAs?: 'delivered'
  /** Never throws for what a carrier does: that is an outcome. */
  send(message: SmsMessage): Promise<SendOutcome>
  /** What the carrier took from us for this number at `since` or later, as far as it tells yet; throws where it cannot be asked. */
  list?(to: E164, since: Date): Promise<readonly Listed[]>
}
