import type { Address } from '@latchkey/contracts/address'
import type { DeliveryReason } from '@latchkey/contracts/delivery'
import type { CallReader } from './provider-calls.js'

/** What a mail has beside its text. */
export interface Letter {
  readonly subject: string
  /** The same words again. */
  readonly html: string
}

/** One text for one number, or one mail for one mailbox. */
export interface SmsMessage {
  readonly id: string
  /** Which call for this message it is, from 1: a receipt can name it. */
  readonly attempt?: number
  readonly to: Address
  readonly body: string
  /** Of a mail. */
  readonly letter?: Letter
  /** How long it is worth delivering, from now. */
  readonly lifeMs: number
}

/** What one call came to. The kind decides what happens next (docs/adr/0008-at-least-once-fenced.md); `carrierCode` is for operators. */
export type SendOutcome =
  | {
      readonly outcome: 'accepted'
      readonly providerMessageId: string
      /** A carrier of development that otherwise ends by itself (`endsAs`) says nothing more of this one. */
      readonly endsOpen?: true
    }
  | {
      readonly outcome: 'rejected'
      readonly reason: DeliveryReason
      readonly carrierCode?: string
      /** This carrier has no way to the number; another may. */
      readonly elsewhere?: true
    }
  | {
      readonly outcome: 'not_sent'
      readonly reason: DeliveryReason
      readonly carrierCode?: string
      readonly retryAfterMs?: number
      /** Trying again changes nothing until an operator does. */
      readonly permanent?: true
      /** The carrier does not know us: no message at all can go through it until then. */
      readonly barred?: true
    }
  | {
      readonly outcome: 'unknown'
      readonly carrierCode?: string
      /** The carrier said so itself, and is well. */
      readonly answered?: true
    }

/** A message in a carrier's list. */
export interface Listed {
  readonly providerMessageId: string
  readonly at: Date
  /** As the carrier tells it: possibly changed. */
  readonly body: string
}

/** A way to hand a text to a carrier, or a mail to a mail server. Knows nothing of codes, users, templates, queues or retries. */
export interface SmsProvider {
  readonly name: string
  /** No call lasts longer: one that is older and has no outcome was lost with its caller. */
  readonly timeoutMs: number
  /** The state this provider reaches by itself once it accepted, where no receipt will come. */
  readonly endsAs?: 'delivered'
  /** Never throws for what a carrier does: that is an outcome. */
  send(message: SmsMessage): Promise<SendOutcome>
  /** What the carrier took from us for this number at `since` or later, as far as it tells yet; throws where it cannot be asked. */
  list?(to: Address, since: Date): Promise<readonly Listed[]>
}

/** A variable of the environment that a carrier is told by. */
export interface Variable {
  readonly pattern: RegExp
  /** What it must be, for whoever sets it. */
  readonly wanted: string
  readonly standard?: string
}

/** Describes a variable of a carrier. */
export const variable = (pattern: RegExp, wanted: string, standard?: string): Variable => ({
  pattern,
  wanted,
  ...(standard !== undefined && { standard }),
})

/** What the environment says to the variables of all carriers. */
export type Told = Readonly<Record<string, string | undefined>>

export interface CarrierNeeds {
  /** For a whole call, connecting included. */
  readonly timeoutMs: number
  /** Calls under way at once. */
  readonly connections: number
  /** Where it may report what became of a message, if anywhere. */
  readonly receiptsUrl?: string
}

/** A carrier as `carriers.ts` registers it: everything that is known of it outside of its own files. */
export interface Carrier {
  readonly name: string
  readonly variables: Readonly<Record<string, Variable>>
  /** Where one of these is told, the carrier is wanted. */
  readonly credentials: readonly string[]
  /** What it means by its codes, in words for operators. */
  readonly words: Readonly<Record<string, string>>
  /** What it still has to be told, as sentences. */
  missing(told: Told): string[]
  open(told: Told, needs: CarrierNeeds): SmsProvider
  /** What it calls us with, at `publicUrl`; a carrier without it reports nothing that could be believed. */
  reader?(told: Told, publicUrl: string): CallReader | undefined
}

/** Sentences for those of the variables that are not told. */
export const absent = (told: Told, ...names: readonly string[]): string[] =>
  names.filter((name) => told[name] === undefined).map((name) => `${name} is missing`)
