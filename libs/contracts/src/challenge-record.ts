import { type Static, Type } from 'typebox'
import { Address } from './address.js'

/** The Redis hash of a challenge. The gateway writes it; the worker reads what it needs to send. Numbers are decimal text. */
export const challengeFields = [
  'state', // live | used | exhausted | cancelled | superseded; an expired one is live with `expiresAt` behind it
  'purpose',
  'face', // which API opened it: the audience of the session it leads to
  'generation', // 1, and one more for every new code
  'openedAt', // ms, as below
  'expiresAt', // ms since the epoch, by Redis TIME plus the clock offset
  'lifeMs',
  'mac', // HMAC of the code, bound to id and generation: `<key id>.<hex>`
  'box', // ChallengeMessage, sealed
  'channel', // `email` where whoever asked is told so; absent for `sms`
  'pending', // what the purpose will need once the code is proved, sealed; empty where nothing
  'to', // masked address, only where the caller sent it; else empty
  'country',
  'locale',
  'wrong', // answers counted so far
  'attemptsMax',
  'attemptsPerClient', // where the face counts by network too: in `wrong:<network>`, see wrongOf
  'resends',
  'resendsMax',
  'resendAt', // ms
  'messageId', // of the last send; where nothing was sent yet, of a message that is not queued
  'unsent', // 1 where it was opened inside a cooldown, until its first send
  'lane', // that the last send took; written by the worker, so that a resend takes another
  'quiet', // comma-separated messages that look like the others and are not to be sent
  'told', // ms, where the notice of this challenge is the one of its day
  'known', // 1 where a device of the account asked for it: what it sends is counted apart from what strangers ask for
  'subject', // keyed hash of the phone or identifier, naming the counters in the same slot
  'countsFor', // `<shard>.<keyed hash>` of what a decoy found by address was sent for: whose wrong answers its own count as, in another slot
  'counted', // what its first message was counted for by the guard against being made to send: keyed hashes; absent for nothing
  'found', // `<shard>.<keyed hash>` of the address that leads to it, where one does
  'claim', // owner token of the answer that holds the code; absent where none does
  'claimUntil', // ms
  'lapsed', // 1 once a claim ran out without a word: its effect may exist
] as const
export type ChallengeField = (typeof challengeFields)[number]

/** The field that counts the wrong answers of one network, by its keyed hash. There are never more than `attemptsMax`. */
export const wrongOf = (network: string) => `wrong:${network}` as const

/** Undoes a change of phone or e-mail. Letters only, so that no phone that reads messages takes it for a code. */
export const UndoToken = Type.String({ pattern: '^[a-z]{28}$' })

/**
 * What a message says: the code; a notice that somebody tried to sign up with this address, or that an account has another phone or
 * e-mail now, with the way to undo that; or nothing (a decoy is never sent). An e-mail goes by mail, a phone by SMS.
 */
export const ChallengeMessage = Type.Union([
  Type.Object({ kind: Type.Literal('code'), to: Address, code: Type.String({ pattern: '^\\d{4,10}$' }) }),
  Type.Object({ kind: Type.Literal('account_exists'), to: Address }),
  Type.Object({ kind: Type.Literal('phone_changed'), to: Address, undoToken: UndoToken }),
  Type.Object({ kind: Type.Literal('email_changed'), to: Address, undoToken: UndoToken }),
  Type.Object({
    kind: Type.Literal('decoy'),
    // The beginning of the number, by which it takes the lane that a real message would.
    range: Type.Optional(Type.String({ pattern: '^\\+\\d{1,7}$' })),
    // By which it takes the way of mail.
    channel: Type.Optional(Type.Literal('email')),
  }),
])
export type ChallengeMessage = Static<typeof ChallengeMessage>

/** Everything of one shard shares the hash tag, so that every script stays in one slot. */
export const challengeKey = (shard: string, id: string): string => `lk:{${shard}}:challenge:${id.slice(4)}`

/** Additional data of `box`: a box moved to another challenge or generation does not open. */
export const messageContext = (id: string, generation: number): string => `challenge/${id}/${generation}`

/** Additional data of `pending`. */
export const pendingContext = (id: string): string => `pending/${id}`
