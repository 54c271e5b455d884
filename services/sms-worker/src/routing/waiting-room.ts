import { firstWithoutCode, lateClass } from '@latchkey/contracts/queues/sms'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'

/** Where a message stands among those that wait: by class, then by whose code dies first. */
export interface Place {
  /** That of its job. */
  readonly id: string
  readonly priority: number
  readonly deadlineMs: number
  readonly queuedAt: Date
}

/** Where the messages of all workers wait that no lane of their route can take now. */
export interface WaitingRoom {
  /** Of its lanes. */
  readonly name: string
  /** Whether somebody waits who goes first; throws `unavailable` where nobody can say. Asks nobody while the room was empty when it was last looked at. */
  isBehind(place: Place): Promise<boolean>
  /** Takes a place; who has one keeps it. */
  join(place: Place): Promise<void>
  /** Lets the first in. Who is not told to be done for long is named again: whoever was to bring him back may have died. */
  next(wanted: Wanted): Promise<readonly string[]>
  /** Tells that somebody who may have been let in is in hand no more. */
  done(id: string): Promise<void>
  /** As last seen. */
  readonly waiting: number
  /** Age of the oldest code, as last seen. */
  readonly oldestMs: number
}

/** How many are to be let in. */
export interface Wanted {
  /** Whoever is in hand. */
  readonly now: number
  /** And as many more as keep those in hand, of all workers together, below this. */
  readonly inHand: number
}

interface RoomOptions {
  /** That of the queue, where all workers meet. */
  readonly redis: Redis
  readonly prefix: string
  /** Of its lanes. */
  readonly name: string
  /** From which age of the oldest code on those with less life than this go behind the rest. */
  readonly lateAfterMs: number
  /** After which time it is looked at whether somebody is still in hand; shortened by tests only. */
  readonly lookAgainMs?: number
}

/** Above every deadline there will be, in ms; nine times as much is still counted exactly. */
const base = 2 ** 42
/** Nobody waits for longer than a job lives. */
const keepMs = 24 * 3_600_000

export function createWaitingRoom({ redis, prefix, name, lateAfterMs, lookAgainMs = 5_000 }: RoomOptions): WaitingRoom {
  const room = `${prefix}:waiting:${name}`
  const [codes, hand] = [`${room}:codes`, `${room}:hand`] as const
  const next = redisScript<[number, number, number, ...string[]]>(
    redis,
    new URL('./lua/waiting_next.3.lua', import.meta.url),
  )
  const rank = ({ priority, deadlineMs }: Place) => priority * base + Math.round(deadlineMs)
  /** Who took a place that a busy Redis did not hear of. */
  const unheard = new Map<string, Place>()
  let waiting = 0
  let oldestMs = 0
  let inHand = 0

  async function join(place: Place): Promise<void> {
    unheard.set(place.id, place)
    const adding = redis.multi().zadd(room, 'NX', rank(place), place.id).pexpire(room, keepMs)
    if (place.priority < firstWithoutCode)
      adding.zadd(codes, 'NX', place.queuedAt.getTime(), place.id).pexpire(codes, keepMs)
    await adding.exec()
    unheard.delete(place.id)
    waiting += 1
  }

  return {
    name,
    async isBehind(place) {
      if (waiting === 0) return false
      const [id, score] = await orUnavailable(() => redis.zrange(room, '0', '0', 'WITHSCORES'))
      return id !== undefined && id !== place.id && Number(score) < rank(place)
    },
    join,
    async next(wanted) {
      for (const place of unheard.values()) await join(place)
      const limits = [lateAfterMs, lateClass, base, lookAgainMs, keepMs] as const
      const [left, age, held, ...ids] = await next(room, codes, hand, wanted.now, wanted.inHand, ...limits)
      waiting = left
      oldestMs = age
      inHand = held
      return ids
    },
    async done(id) {
      if (waiting > 0 || inHand > 0) await redis.zrem(hand, id)
    },
    get waiting() {
      return waiting
    },
    get oldestMs() {
      return oldestMs
    },
  }
}
