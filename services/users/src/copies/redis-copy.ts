import { copyFields } from '@latchkey/contracts/copy-record'
import { AppError } from '@latchkey/kit/app-error'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import type { Copy } from './copies.service.js'

/** A copy in the queue's Redis, at this key. */
export function createRedisCopy(redis: Redis, key: string): Copy {
  const copy = redisScript<number>(redis, new URL('./lua/copy.1.lua', import.meta.url))
  const reach = <T>(call: () => Promise<T>): Promise<T> => {
    if (redis.status !== 'ready') throw new AppError('unavailable')
    return orUnavailable(call)
  }
  return {
    state: () =>
      reach(async () => {
        const [version, complete] = await redis.hmget(key, copyFields.version, copyFields.complete)
        return { version: version ?? undefined, complete: complete === '1' }
      }),
    write: ({ from = '', to, entries, begin, complete }) =>
      reach(async () => {
        const fields = entries.flatMap(({ field, value }) => [field, value])
        return (await copy(key, from, to, begin ? 1 : 0, complete ? 1 : 0, ...fields)) === 1
      }),
  }
}
