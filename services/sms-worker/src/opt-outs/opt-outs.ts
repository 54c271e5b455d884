import { copyFields } from '@latchkey/contracts/copy-record'
import { forGood, optOutsKey } from '@latchkey/contracts/opt-out-record'
import type { E164 } from '@latchkey/contracts/phone'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import { orUnavailable } from '@latchkey/kit/redis'
import type { Redis } from '@latchkey/kit/redis'

/** Who asked us not to text him, as far as this worker can see. */
export interface OptOuts {
  /** How a number stands in the list: a keyed hash. */
  nameOf(number: E164): string
  /**
   * Whether a number is in the list. Where the copy was lost and is being written anew nobody is: everybody locked out is worse
   * than a code that somebody asked for (docs/adr/0028-receipts-and-opt-outs.md). Throws `unavailable` where Redis cannot be asked.
   */
  has(number: E164): Promise<boolean>
}

interface OptOutsNeeds {
  /** That of the queue: users, which writes the copy, reaches no other. */
  readonly redis: Redis
  readonly prefix: string
  readonly key: Key
}

const nameBytes = 16

/** Reads the copy of the list that users keeps in Redis. */
export function createOptOuts({ redis, prefix, key }: OptOutsNeeds): OptOuts {
  const nameOf = (number: E164) => hmac(key, 'opt-out', number).subarray(0, nameBytes).toString('base64url')
  return {
    nameOf,
    has: (number) =>
      orUnavailable(async () => {
        const [until, complete] = await redis.hmget(optOutsKey(prefix), nameOf(number), copyFields.complete)
        if (until === null || until === undefined || complete !== '1') return false
        return until === forGood || Number(until) > Date.now()
      }),
  }
}
