import { type Static, Type } from 'typebox'
import { ChallengeId, Purpose, Timestamp } from '../v1/shapes.js'
import { queue } from './queue.js'

/** What the gateway decides about a code, as far as an operator has to know of it later. */
export const traceKinds = [
  'opened', // a challenge; `says` is what its message is
  'queued', // a message of it
  'not_queued', // the queue was away: the caller read 503
  'sent_again', // a resend; a new `generation` is a new code
  'refused', // nothing is sent; `limit` says why
  'wrong', // an answer
  'unread', // an answer that was not compared; `limit` says why
  'right', // an answer; what it led to stands in `consumed_challenges`
  'given_back', // a right answer whose effect failed: the code stays good
] as const

/** Why a code was not sent, or an answer not read. */
export const traceLimits = [
  'cooldown',
  'budget', // of messages, or of wrong answers, an hour or a day
  'resends',
  'network', // too many wrong guesses of one
  'country',
  'number_type',
  'no_number',
  'guard', // against pumping
  'stopped', // by operators
] as const
export type TraceLimit = (typeof traceLimits)[number]

/** What stands in the message of a challenge. */
export const traceMessages = ['code', 'account_exists', 'phone_changed', 'email_changed', 'decoy'] as const
export type TraceMessage = (typeof traceMessages)[number]

/** A keyed hash of a phone or an e-mail, 128 bits: under the key of the trace, which users has too. */
export const TracedAddress = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' })

/** One thing the gateway decided. No phone, no e-mail, no code, nothing anybody typed. */
export const TraceEvent = Type.Object({
  /** The same for what repeats itself: it is written down once. */
  id: Type.String({ format: 'uuid' }),
  at: Timestamp,
  kind: Type.Enum([...traceKinds]),
  requestId: Type.String({ maxLength: 64 }),
  /** Method and pattern of the route, never a URL. */
  route: Type.String({ maxLength: 128 }),
  challengeId: Type.Optional(ChallengeId),
  messageId: Type.Optional(Type.String({ format: 'uuid' })),
  phone: Type.Optional(TracedAddress),
  /** Of the phone, for people: its last two digits. */
  lastTwo: Type.Optional(Type.String({ pattern: '^•{8}\\d{2}$' })),
  email: Type.Optional(TracedAddress),
  /** Of the e-mail, for people: how it begins. */
  emailFirst: Type.Optional(Type.String({ pattern: '^[!-?A-~]$' })),
  face: Type.Optional(Type.String({ maxLength: 32 })),
  purpose: Type.Optional(Purpose),
  country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
  /** As whoever asked is told; by SMS where it is not said. */
  channel: Type.Optional(Type.Literal('email')),
  generation: Type.Optional(Type.Integer({ minimum: 1 })),
  says: Type.Optional(Type.Enum([...traceMessages])),
  limit: Type.Optional(Type.Enum([...traceLimits])),
  /** When it may be asked for again; of a challenge, when its code ends. */
  until: Type.Optional(Timestamp),
  attemptsLeft: Type.Optional(Type.Integer({ minimum: 0 })),
  /** False where a challenge was opened inside a cooldown: it sends nothing until it is asked for again. */
  sent: Type.Optional(Type.Boolean()),
})
export type TraceEvent = Static<typeof TraceEvent>

/** Events in one job. */
export const mostTraced = 100

/** What gateways decided, in the order of one gateway. Applying a batch twice changes nothing. */
export const TraceBatch = Type.Object({
  v: Type.Literal(1),
  events: Type.Array(TraceEvent, { minItems: 1, maxItems: mostTraced }),
})
export type TraceBatch = Static<typeof TraceBatch>

export const traceQueue = queue({ name: 'trace', version: 1, payload: TraceBatch, batches: true })

export const traceJobId = (id: string): string => `t-${id}`

/** What the keyed hash of a phone, or of an e-mail, is made under, beside the key. */
export const tracedAs = { phone: 'trace/phone', email: 'trace/email' } as const
