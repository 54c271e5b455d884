import type { DeliveryReason } from '@latchkey/contracts/delivery'
import type { E164 } from '@latchkey/contracts/phone'

/** What somebody called us with, who says to be a carrier. */
export interface CarrierCall {
  /** Path and query, letter for letter as they came. */
  readonly target: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
  /** The last part of a path that only the carrier knows. */
  readonly token?: string
}

/** What a carrier says of a message it once took. */
export interface ProviderReceipt {
  /** Where the carrier was told it; else its own id tells. */
  readonly messageId?: string
  readonly attempt?: number
  readonly providerMessageId: string
  readonly state: 'accepted' | 'delivered' | 'undelivered'
  readonly reason?: DeliveryReason
  readonly carrierCode?: string
  /** A number that told the carrier not to be texted any more. */
  readonly optedOut?: E164
  readonly segments?: number
  readonly price?: string
  readonly currency?: string
}

/** What a person texted to us, as far as it concerns us. */
export interface ProviderInbound {
  readonly providerMessageId: string
  readonly from: E164
  readonly word: 'stop' | 'start' | 'help' | 'other'
}

/** Why a call is not believed: not signed by the carrier; signed and still not to be understood; at a path that only the carrier could know, and nobody's. */
export type Unbelieved = (typeof unbelieved)[number]
export const unbelieved = ['forged', 'unreadable', 'astray'] as const

/** Reads what a carrier calls us with. Believes nothing that only the carrier can have said unless it proves it. */
export interface CallReader {
  receipt(call: CarrierCall): ProviderReceipt | Unbelieved
  inbound(call: CarrierCall): ProviderInbound | Unbelieved
  /** The answer to an inbound message, with or without a text for the person. */
  reply(text?: string): { readonly type: string; readonly body: string }
}
