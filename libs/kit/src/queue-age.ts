import type { QueueContract } from '@latchkey/contracts/queues/queue'
import type { Redis } from 'ioredis'
import type { TSchema } from 'typebox'

/** Age in ms of the oldest job that waits, 0 where none does. Looks at the head of each class, since classes overtake one another. */
export async function oldestWaitingMs(
  contract: QueueContract<TSchema>,
  redis: Redis,
  prefix: string,
  classes: readonly number[],
): Promise<number> {
  const key = (part: string) => `${prefix}:${contract.name}:${part}`
  // BullMQ scores a prioritised job with priority × 2³² + counter.
  const base = 2 ** 32
  const heads = await Promise.all([
    redis.lrange(key('wait'), -1, -1),
    ...classes.map((priority) =>
      redis.zrangebyscore(key('prioritized'), priority * base, `(${(priority + 1) * base}`, 'LIMIT', 0, 1),
    ),
  ])
  return oldestOf(heads.flat(), redis, key)
}

/** How many jobs without a class wait to be taken. */
export async function countWaiting(contract: QueueContract<TSchema>, redis: Redis, prefix: string): Promise<number> {
  return redis.llen(`${prefix}:${contract.name}:wait`)
}

/** Age in ms of the oldest job that waits to come again, 0 where none does; among the thousand that come soonest. */
export async function oldestDelayedMs(contract: QueueContract<TSchema>, redis: Redis, prefix: string): Promise<number> {
  const key = (part: string) => `${prefix}:${contract.name}:${part}`
  return oldestOf(await redis.zrange(key('delayed'), 0, '999'), redis, key)
}

async function oldestOf(ids: readonly string[], redis: Redis, key: (id: string) => string): Promise<number> {
  const born = await Promise.all(ids.map((id) => redis.hget(key(id), 'timestamp')))
  return born.reduce((oldest, at) => (at === null ? oldest : Math.max(oldest, Date.now() - Number(at))), 0)
}
