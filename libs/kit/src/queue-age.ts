import type { QueueContract } from '@latchkey/contracts/queues/queue'
import type { Redis } from './redis.js'
import type { TSchema } from 'typebox'

/** Age in ms of the oldest job that waits, 0 where none does. Looks at the head of each class, since classes overtake one another. */
export async function oldestWaitingMs(
  contract: QueueContract<TSchema>,
  redis: Redis,
  prefix: string,
  classes: readonly number[],
): Promise<number> {
  const key = (part: string) => `${prefix}:${contract.name}:${part}`
  const heads = await Promise.all([
    redis.lrange(key('wait'), -1, -1),
    ...classes.map((priority) => headOf(priority, redis, key)),
  ])
  return oldestOf(heads.flat(), redis, key)
}

/** The same of one class alone. */
export async function oldestOfClassMs(
  contract: QueueContract<TSchema>,
  redis: Redis,
  prefix: string,
  priority: number,
): Promise<number> {
  const key = (part: string) => `${prefix}:${contract.name}:${part}`
  return oldestOf(await headOf(priority, redis, key), redis, key)
}

/** BullMQ scores a prioritised job with priority × 2³² + counter. */
const headOf = (priority: number, redis: Redis, key: (part: string) => string): Promise<string[]> =>
  redis.zrangebyscore(key('prioritized'), priority * 2 ** 32, `(${(priority + 1) * 2 ** 32}`, 'LIMIT', 0, 1)

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
