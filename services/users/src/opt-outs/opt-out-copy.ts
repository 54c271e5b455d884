import { forGood, optOutFields, optOutsKey } from '@latchkey/contracts/opt-out-record'
import { AppError } from '@latchkey/kit/app-error'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from 'ioredis'
import type { Selectable } from 'kysely'
import type { OptOutTable } from './opt-outs.table.js'

interface Step {
  /** The version the copy must have, so that two writers do not mix; undefined where it has none. */
  readonly from: string | undefined
  readonly to: string
  readonly rows: readonly Pick<Selectable<OptOutTable>, 'number' | 'opted_out' | 'until'>[]
  /** What is there is thrown away first. */
  readonly begin: boolean
  /** With this nothing is missing any more. */
  readonly complete: boolean
}

/** The copy of the list in the queue's Redis. Throws `unavailable` where it cannot be reached. */
export interface OptOutCopy {
  state(): Promise<{ version: string | undefined; complete: boolean }>
  /** Whether it was written: not where the copy changed meanwhile. */
  write(step: Step): Promise<boolean>
}

export function createOptOutCopy(redis: Redis, prefix: string): OptOutCopy {
  const key = optOutsKey(prefix)
  const copy = redisScript<number>(redis, new URL('./lua/copy.1.lua', import.meta.url))
  const reach = <T>(call: () => Promise<T>): Promise<T> => {
    if (redis.status !== 'ready') throw new AppError('unavailable')
    return orUnavailable(call)
  }
  return {
    state: () =>
      reach(async () => {
        const [version, complete] = await redis.hmget(key, optOutFields.version, optOutFields.complete)
        return { version: version ?? undefined, complete: complete === '1' }
      }),
    write: ({ from = '', to, rows, begin, complete }) =>
      reach(async () => {
        const fields = rows.flatMap(({ number, opted_out, until }) => [
          number,
          opted_out ? (until === null ? forGood : String(until.getTime())) : '',
        ])
        return (await copy(key, from, to, begin ? 1 : 0, complete ? 1 : 0, ...fields)) === 1
      }),
  }
}
