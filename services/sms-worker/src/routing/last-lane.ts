import { challengeKey } from '@latchkey/contracts/challenge-record'
import { redisScript } from '@latchkey/kit/redis-script'
import type { ShardedIds } from '@latchkey/kit/sharded-id'
import type { Redis } from '@latchkey/kit/redis'

/** Writes down which lane a challenge's message took, so that a resend takes another. A challenge that is gone stays gone. */
export type NoteLane = (challengeId: string, lane: string) => Promise<void>

/** On the Redis of the challenges. Where it cannot be asked nothing is written down: a resend may take the same lane then. */
export function createNoteLane({ redis, ids }: { redis: Redis; ids: ShardedIds }): NoteLane {
  const note = redisScript<number>(redis, new URL('./lua/note_lane.1.lua', import.meta.url))
  return async (challengeId, lane) => {
    await note(challengeKey(ids.shardOf(challengeId), challengeId), lane).catch(() => undefined)
  }
}
