import { challengeKey, ChallengeMessage, messageContext } from '@latchkey/contracts/challenge-record'
import type { SmsJob } from '@latchkey/contracts/queues/sms'
import { orUnavailable } from '@latchkey/kit/redis'
import type { Sealer } from '@latchkey/kit/seal'
import type { ShardedIds } from '@latchkey/kit/sharded-id'
import type { Redis } from 'ioredis'
import { Value } from 'typebox/value'

/** What a job's reference leads to, at `nowMs` of the challenges' clock. Only an open challenge gives up its message. */
export type OpenedChallenge =
  | {
      readonly verdict: 'open'
      readonly nowMs: number
      readonly deadlineMs: number
      readonly message: ChallengeMessage
      readonly locale: string
    }
  | { readonly verdict: 'superseded' | 'expired' | 'unreadable'; readonly nowMs: number }

export type OpenChallenge = (job: SmsJob) => Promise<OpenedChallenge>

interface OpenChallengeDeps {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly ids: ShardedIds
  readonly clockOffsetMs: number
}

/** Reads the challenge a job refers to, as it is now. Throws `unavailable` where Redis cannot be asked. */
export function createOpenChallenge({ redis, sealer, ids, clockOffsetMs }: OpenChallengeDeps): OpenChallenge {
  return async function openChallenge({ challengeId, messageId, generation, notAfter }) {
    const key = challengeKey(ids.shardOf(challengeId), challengeId)
    const [fields, time] = await orUnavailable(() =>
      Promise.all([redis.hmget(key, 'state', 'generation', 'expiresAt', 'box', 'locale', 'quiet'), redis.time()]),
    )
    const [state, current, expiresAt, box, locale, quiet] = fields
    const nowMs = Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000) + clockOffsetMs

    // A repeat of the same code keeps the generation: both its messages may go.
    if (state !== 'live' || current !== String(generation)) return { verdict: 'superseded', nowMs }
    const deadlineMs = Math.min(Number(expiresAt), Date.parse(notAfter))
    if (!(nowMs < deadlineMs)) return { verdict: 'expired', nowMs }
    const open = { verdict: 'open', nowMs, deadlineMs, locale: locale ?? '' } as const
    if (quiet?.split(',').includes(messageId)) return { ...open, message: { kind: 'decoy' } }
    const message = unseal(sealer, box ?? '', messageContext(challengeId, generation))
    if (message === undefined) return { verdict: 'unreadable', nowMs }
    return { ...open, message }
  }
}

function unseal(sealer: Sealer, box: string, context: string): ChallengeMessage | undefined {
  try {
    const message: unknown = JSON.parse(sealer.open(box, context))
    return Value.Check(ChallengeMessage, message) ? message : undefined
  } catch {
    return undefined
  }
}
