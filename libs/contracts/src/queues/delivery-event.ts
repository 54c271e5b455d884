import { type Static, Type } from 'typebox'
import { AttemptOutcome, DeliveryReason, DeliveryState } from '../delivery.js'
import { ChallengeId, Purpose, Timestamp } from '../v1/shapes.js'
import { queue } from './queue.js'

/** One call to a provider, as it is written to `sms_attempts`. */
export const DeliveryAttempt = Type.Object({
  number: Type.Integer({ minimum: 1 }),
  provider: Type.String({ maxLength: 32 }),
  outcome: AttemptOutcome,
  providerMessageId: Type.Optional(Type.String({ maxLength: 64 })),
  /** The carrier's own code (`21610`), for operators. */
  carrierCode: Type.Optional(Type.String({ maxLength: 64 })),
  startedAt: Timestamp,
  endedAt: Timestamp,
})
export type DeliveryAttempt = Static<typeof DeliveryAttempt>

/** What the worker tells users about a message. Applying one twice, late or out of order changes nothing. */
export const DeliveryEvent = Type.Object({
  v: Type.Literal(1),
  messageId: Type.String({ format: 'uuid' }),
  challengeId: ChallengeId,
  generation: Type.Integer({ minimum: 1 }),
  purpose: Purpose,
  country: Type.String({ pattern: '^[A-Z]{2}$' }),
  requestId: Type.String({ maxLength: 64 }),
  state: DeliveryState,
  reason: Type.Optional(DeliveryReason),
  attempt: Type.Optional(DeliveryAttempt),
  at: Timestamp,
})
export type DeliveryEvent = Static<typeof DeliveryEvent>

export const deliveryEventQueue = queue({ name: 'delivery-event', version: 1, payload: DeliveryEvent })

/** One id per (message, state, attempt): a worker that repeats itself after a crash adds nothing. */
export const deliveryEventJobId = ({ messageId, state, attempt }: DeliveryEvent): string =>
  `e-${messageId}-${state}-${attempt?.number ?? 0}`
