import { type Static, Type } from 'typebox'
import { ChallengeId, Purpose, Timestamp } from '../v1/shapes.js'
import { queue } from './queue.js'

/** A reference to a challenge whose message is to be sent: nothing here can be read as a person or a code. */
export const SmsJob = Type.Object({
  v: Type.Literal(1),
  messageId: Type.String({ format: 'uuid' }),
  challengeId: ChallengeId,
  generation: Type.Integer({ minimum: 1 }),
  purpose: Purpose,
  /** A code that would leave later than this is worse than none: it is dropped and written down. */
  notAfter: Timestamp,
  /** ISO 3166-1 alpha-2 of the number, or `ZZ` where it has none (test numbers). */
  country: Type.String({ pattern: '^[A-Z]{2}$' }),
  requestId: Type.String({ maxLength: 64 }),
})
export type SmsJob = Static<typeof SmsJob>

export const smsQueue = queue({ name: 'sms', version: 1, payload: SmsJob })

/** The job id is the idempotency key: adding the same message twice sends it once. */
export const smsJobId = (messageId: string): string => `m-${messageId}`

/** Served lowest first; first in, first out within a class. */
export const smsClasses = {
  sign_in: 1,
  second_factor: 1,
  reset_password: 2,
  sign_up: 3,
  verify_phone: 3,
  change_phone: 3,
  verify_email: 3,
} as const satisfies Record<Purpose, number>

/** From this class on messages carry no code: 4 waits for reminders, 5 for campaigns. */
export const firstWithoutCode = 4

/** Behind everything: jobs with too little life left while the queue is late. */
export const lateClass = 9
