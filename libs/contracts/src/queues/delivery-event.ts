import { type Static, Type } from 'typebox'
import { AttemptOutcome, DeliveryReason, DeliveryState } from '../delivery.js'
import { optOutNumberPattern } from '../opt-out-record.js'
import { ChallengeId, Purpose, Timestamp } from '../v1/shapes.js'
import { queue } from './queue.js'

/** What a carrier means by a code of its own. */
const CarrierWords = Type.String({ maxLength: 120 })

/** One call to a provider, as it is written to `sms_attempts`. */
export const DeliveryAttempt = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  provider: Type.String({ maxLength: 32 }),
  outcome: AttemptOutcome,
  providerMessageId: Type.Optional(Type.String({ maxLength: 64 })),
  /** The carrier's own code (`21610`), for operators. */
  carrierCode: Type.Optional(Type.String({ maxLength: 64 })),
  /** What that code means, in words for operators. */
  says: Type.Optional(CarrierWords),
  startedAt: Timestamp,
  endedAt: Timestamp,
})
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

/** What the worker tells users about a message. Applying one twice, late or out of order changes nothing. */
export const DeliveryEvent = Type.Object({
  /** 3 where it has `others`. */
  v: Type.Enum([1, 3]),
  messageId: Type.String({ format: 'uuid' }),
  challengeId: ChallengeId,
  generation: Type.Integer({ minimum: 1 }),
  purpose: Purpose,
  country: Type.String({ pattern: '^[A-Z]{2}$' }),
  requestId: Type.String({ maxLength: 64 }),
  state: DeliveryState,
  reason: Type.Optional(DeliveryReason),
  attempt: Type.Optional(DeliveryAttempt),
  /** Attempts that have to be known together with that one: by one copy alone a receipt would be read as the end of all. */
  others: Type.Optional(Type.Array(DeliveryAttempt, { minItems: 1, maxItems: 1_000 })),
  at: Timestamp,
})
export type DeliveryEvent = Static<typeof DeliveryEvent>

const provider = Type.String({ maxLength: 32 })
const providerMessageId = Type.String({ minLength: 1, maxLength: 64 })

/** What a carrier later says of an attempt: of one it took, that it arrived, or that it will not. */
export const receiptStates = ['accepted', 'delivered', 'undelivered'] as const
export type ReceiptState = (typeof receiptStates)[number]

/** What a carrier later says of a message. It may come before the event of the attempt, or never. */
export const Receipt = Type.Object({
  /** 3 where it names no message of ours. */
  v: Type.Enum([2, 3]),
  kind: Type.Literal('receipt'),
  /** Without it the carrier's own id has to tell. */
  messageId: Type.Optional(Type.String({ format: 'uuid' })),
  /** Without it the carrier's own id tells which attempt is meant. */
  attempt: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  provider,
  providerMessageId,
  state: Type.Enum([...receiptStates]),
  reason: Type.Optional(DeliveryReason),
  carrierCode: Type.Optional(Type.String({ maxLength: 64 })),
  says: Type.Optional(CarrierWords),
  segments: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  price: Type.Optional(Type.String({ pattern: '^\\d{1,5}(\\.\\d{1,6})?$' })),
  currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
  at: Timestamp,
})
export type Receipt = Static<typeof Receipt>

/** A person said STOP or START, or the carrier refused a number that had told it STOP. `number` is a keyed hash. */
export const OptOutChange = Type.Object({
  v: Type.Literal(2),
  kind: Type.Literal('opt_out'),
  number: Type.String({ pattern: optOutNumberPattern }),
  word: Type.Enum(['stop', 'start', 'refused']),
  provider,
  /** Of the inbound message, or of the attempt that was refused: heard twice it counts once. */
  source: providerMessageId,
  at: Timestamp,
})
export type OptOutChange = Static<typeof OptOutChange>

/** Something an operator did at the worker: to a dead letter, or to a queue by its dashboard. Told before it is done; heard twice it is written down once. */
export const QueueAct = Type.Object({
  v: Type.Literal(4),
  kind: Type.Literal('act'),
  id: Type.String({ format: 'uuid' }),
  /** `cli:<user of the operating system>`, or `board:<user of the dashboard>`. */
  actor: Type.String({ pattern: '^(cli|board):[A-Za-z0-9._-]{1,64}$' }),
  action: Type.Enum(['dead_letter.retry', 'dead_letter.drop', 'queue.pause', 'queue.resume', 'queue.promote']),
  /** `<queue>:<job id>`, a queue, or `*` for all. */
  target: Type.String({ minLength: 1, maxLength: 300 }),
  why: Type.Optional(Type.String({ minLength: 1, maxLength: 300 })),
  /** What a dead letter was, as its list tells it. */
  about: Type.Optional(Type.String({ maxLength: 200 })),
  at: Timestamp,
})
export type QueueAct = Static<typeof QueueAct>

/** Events in one job. */
export const mostEvents = 50

/** What the worker tells of several messages, in its order: a job costs more than the events in it. */
export const DeliveryBatch = Type.Object({
  v: Type.Literal(5),
  kind: Type.Literal('batch'),
  events: Type.Array(DeliveryEvent, { minItems: 2, maxItems: mostEvents }),
})
export type DeliveryBatch = Static<typeof DeliveryBatch>

/** Version 2 brought receipts and opt-outs, 3 several attempts at once and receipts that name no message, 4 acts of operators, 5 batches: a users that does not know them leaves them to a newer one. */
export const deliveryEventQueue = queue({
  name: 'delivery-event',
  version: 5,
  payload: Type.Union([DeliveryEvent, Receipt, OptOutChange, QueueAct, DeliveryBatch]),
})

/** One id per thing that is told of a message: a worker that repeats itself after a crash adds nothing, one that knows better of an earlier attempt does. */
export const deliveryEventJobId = ({ messageId, state, attempt, others = [] }: DeliveryEvent): string =>
  [
    `e-${messageId}-${state}-${attempt?.number ?? 0}`,
    ...others.map(({ number, outcome }) => `${number}${outcome}`),
  ].join('-')

/** One id per batch: what its events lead to is the same, however often they come. */
export const deliveryBatchJobId = (id: string): string => `b-${id}`

/** One id per thing a carrier says: what it says fifty times is one job. */
export const receiptJobId = ({ provider, providerMessageId, state }: Receipt): string =>
  `r-${provider}-${providerMessageId}-${state}`
export const optOutJobId = ({ provider, source, word }: OptOutChange): string => `o-${provider}-${source}-${word}`
export const queueActJobId = ({ id }: QueueAct): string => `a-${id}`
