import { type Static, Type } from 'typebox'
import { AttemptOutcome, DeliveryReason, DeliveryState } from '../delivery.js'
import { DeliveryAttempt, receiptStates } from '../queues/delivery-event.js'
import { Purpose, Timestamp } from '../v1/shapes.js'
import { SandboxCarrier } from './carriers.js'

// What development shows of a message while it happens (docs/adr/0045-the-phone-in-the-box.md). Nothing of it is written in production.

const at = Timestamp
const messageId = Type.String({ format: 'uuid' })
const attempt = Type.Integer({ minimum: 1 })
const lane = Type.String({ maxLength: 32 })
const carrierCode = Type.Optional(Type.String({ maxLength: 64 }))
const says = Type.Optional(Type.String({ maxLength: 120 }))

/** A message came in on the phone. */
export const Arrived = Type.Object({
  kind: Type.Literal('arrived'),
  channel: Type.Enum(['sms', 'email']),
  messageId,
  attempt,
  lane,
  to: Type.String({ maxLength: 254 }),
  /** Of a mail. */
  subject: Type.Optional(Type.String()),
  body: Type.String(),
  at,
})
export type Arrived = Static<typeof Arrived>

/** One thing that happened. Only `arrived` has a number or a code in it: to show these is what it is for. */
export const FeedEntry = Type.Union([
  Type.Object({ kind: Type.Literal('queued'), messageId, purpose: Purpose, country: Type.String(), at }),
  /** A call to a provider began; and what it came to. */
  Type.Object({ kind: Type.Literal('calling'), messageId, attempt, lane, at }),
  Type.Object({
    kind: Type.Literal('called'),
    messageId,
    attempt,
    lane,
    outcome: AttemptOutcome,
    tookMs: Type.Integer({ minimum: 0 }),
    reason: Type.Optional(DeliveryReason),
    carrierCode,
    says,
    at,
  }),
  /** The job waits, and comes again. */
  Type.Object({ kind: Type.Literal('again'), messageId, afterMs: Type.Integer({ minimum: 0 }), at }),
  /** What users was told: the state, and the attempts as they are known by now. */
  Type.Object({
    kind: Type.Literal('state'),
    messageId,
    state: DeliveryState,
    reason: Type.Optional(DeliveryReason),
    attempts: Type.Array(DeliveryAttempt),
    at,
  }),
  /** What a carrier called us with. */
  Type.Object({
    kind: Type.Literal('receipt'),
    messageId: Type.Optional(messageId),
    lane,
    state: Type.Enum([...receiptStates]),
    carrierCode,
    says,
    at,
  }),
  Arrived,
  /** A lane went out, or came back. */
  Type.Object({ kind: Type.Literal('lane'), lane, why: Type.Enum(['ill', 'barred']), out: Type.Boolean(), at }),
  Type.Object({ kind: Type.Literal('carriers'), carriers: Type.Array(SandboxCarrier), at }),
])
export type FeedEntry = Static<typeof FeedEntry>

/** As the stream of events tells it: `begin`, forget what you knew, all that is known follows; and the code beside what arrived. */
export type FeedEvent =
  | Exclude<FeedEntry, { readonly kind: 'arrived' }>
  | (Arrived & { readonly code: string | null })
  | { readonly kind: 'begin' }

/** A Redis stream of sealed entries: how many are kept, and how long it outlives its last entry. */
export const feedKey = (prefix: string): string => `${prefix}:feed`
export const feedLength = 2_000
export const feedLifeSeconds = 3_600

/** Where the stream of events is, under the inbox. */
export const feedPath = '/inbox/events'
