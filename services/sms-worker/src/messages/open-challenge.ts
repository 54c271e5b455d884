import { type Address, isEmail, nobodysMail } from '@latchkey/contracts/address'
import { challengeKey, ChallengeMessage, messageContext } from '@latchkey/contracts/challenge-record'
import { type E164, nobody, rangeOf } from '@latchkey/contracts/phone'
import type { SmsJob } from '@latchkey/contracts/queues/sms'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Sealer } from '@latchkey/kit/seal'
import type { ShardedIds } from '@latchkey/kit/sharded-id'
import type { Redis } from '@latchkey/kit/redis'
import { Compile } from 'typebox/compile'

/** What a job's reference leads to, at `nowMs` of the challenges' clock. Only an open challenge gives up its message. */
export type OpenedChallenge =
  | {
      readonly verdict: 'open'
      readonly nowMs: number
      readonly deadlineMs: number
      readonly message: ChallengeMessage
      /** Whose phone it would be for, though it is not to be sent: nobody may tell by the opt-out list that it is not. */
      readonly wouldReach?: E164
      readonly locale: string
      /** That the last send of the challenge took. */
      readonly lane?: string
    }
  /** `to` is whom a carrier may still be asked about. */
  | { readonly verdict: 'expired'; readonly nowMs: number; readonly to?: Address }
  | { readonly verdict: 'superseded' | 'unreadable'; readonly nowMs: number }

export type OpenChallenge = (job: SmsJob) => Promise<OpenedChallenge>

interface OpenChallengeDeps {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly ids: ShardedIds
  readonly clockOffsetMs: number
}

/** Reads the challenge a job refers to, as it is now. Throws `unavailable` where Redis cannot be asked. */
export function createOpenChallenge({ redis, sealer, ids, clockOffsetMs }: OpenChallengeDeps): OpenChallenge {
  const read = redisScript<(string | null)[]>(redis, new URL('./lua/challenge_read.1.lua', import.meta.url))
  return async function openChallenge({ challengeId, messageId, generation, notAfter }) {
    const key = challengeKey(ids.shardOf(challengeId), challengeId)
    const [seconds, micros, state, written, expiresAt, box, locale, quiet, lane] = await orUnavailable(() => read(key))
    const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000) + clockOffsetMs

    // A repeat of the same code keeps the generation: both its messages may go.
    const current = state === 'live' && written === String(generation)
    const deadlineMs = current ? Math.min(Number(expiresAt), Date.parse(notAfter)) : Date.parse(notAfter)
    const alive = nowMs < deadlineMs
    // Whatever became of the challenge since, a message whose own time is over has expired.
    if (!current) return { verdict: alive ? 'superseded' : 'expired', nowMs }
    const sealed = unseal(sealer, box ?? '', messageContext(challengeId, generation))
    const message = quiet?.split(',').includes(messageId) ? quieted(sealed) : sealed
    const wouldReach =
      sealed === undefined || sealed.kind === 'decoy' || isEmail(sealed.to) ? {} : { wouldReach: sealed.to }
    if (!alive) return { verdict: 'expired', nowMs, ...(message !== undefined && { to: recipient(message) }) }
    if (message === undefined) return { verdict: 'unreadable', nowMs }
    return {
      verdict: 'open',
      nowMs,
      deadlineMs,
      locale: locale ?? '',
      message,
      ...wouldReach,
      ...(typeof lane === 'string' && { lane }),
    }
  }
}

/** Where a message goes; a decoy's address is nobody's. */
export function recipient(message: ChallengeMessage): Address {
  if (message.kind !== 'decoy') return message.to
  return message.channel === 'email' ? nobodysMail : nobody
}

/** Takes the routes of the message that must not be sent. */
function quieted(message: ChallengeMessage | undefined): ChallengeMessage {
  if (message === undefined || message.kind === 'decoy') return message ?? { kind: 'decoy' }
  return isEmail(message.to) ? { kind: 'decoy', channel: 'email' } : { kind: 'decoy', range: rangeOf(message.to) }
}

const messageFits = Compile(ChallengeMessage)

function unseal(sealer: Sealer, box: string, context: string): ChallengeMessage | undefined {
  try {
    const message: unknown = JSON.parse(sealer.open(box, context))
    return messageFits.Check(message) ? message : undefined
  } catch {
    return undefined
  }
}
