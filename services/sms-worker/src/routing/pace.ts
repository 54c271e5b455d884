import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'

export interface Turn {
  /** Lower goes first; within one, who came first. */
  readonly priority: number
  readonly patienceMs: number
  /** A decoy waits like the rest, and uses nothing up. */
  readonly uses: boolean
}

/** How fast messages may go to one carrier, over all workers. */
export interface Pace {
  /** Waits for a turn; false where none came in time, and at once where none can. */
  turn(wanted: Turn): Promise<boolean>
}

interface PaceOptions {
  /** That of the queue, where all workers meet. */
  readonly redis: Redis
  readonly prefix: string
  readonly lane: string
  readonly perSecond: number
  readonly onWaiting: (count: number) => void
}

interface Waiter extends Turn {
  go(turn: boolean): void
}

/** Between two looks, where the limiter cannot say when. */
const shortestWaitMs = 10

/**
 * A second's turns are counted in Redis, so the pace holds for all workers together. In each worker one look at a time is made for
 * whoever is first in line: a rush of sign-ups neither wears the count out nor stands before a sign-in.
 */
export function createPace({ redis, prefix, lane, perSecond, onWaiting }: PaceOptions): Pace {
  const limiter = new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${prefix}:pace`,
    points: perSecond,
    duration: 1,
  })
  /** A worker takes a tenth of a second's turns at once at most, so that others get theirs. */
  const most = Math.ceil(perSecond / 10)
  const line: Waiter[] = []
  let serving = false

  /** Turns of this second for at most so many, and where there are none, how long to wait. */
  const take = (wanted: number) =>
    limiter.consume(lane, wanted).then(
      () => ({ granted: wanted, waitMs: 0 }),
      (refused: unknown) => {
        // A Redis that cannot be asked has no fence either: the message gets no further than that.
        if (!(refused instanceof RateLimiterRes)) return { granted: wanted, waitMs: 0 }
        // All were counted, so nobody else gets what was left of the second: it is ours.
        const before = refused.consumedPoints - wanted
        return {
          granted: Math.min(wanted, Math.max(0, perSecond - before)),
          waitMs: Math.max(shortestWaitMs, refused.msBeforeNext),
        }
      },
    )

  /** How long until this second's turns are used up no more; counts nothing. */
  const look = () =>
    limiter.get(lane).then(
      (seen) => (seen !== null && seen.consumedPoints >= perSecond ? Math.max(shortestWaitMs, seen.msBeforeNext) : 0),
      () => 0,
    )

  /** Decoys at the head of the line go as soon as a message could. */
  async function letDecoysGo(): Promise<void> {
    const waitMs = await look()
    if (waitMs > 0) await sleep(waitMs)
    else while (line[0]?.uses === false) line.shift()?.go(true)
  }

  async function serve(): Promise<void> {
    if (serving) return
    serving = true
    let held = 0
    while (line.length > 0) {
      if (held === 0) {
        const wanting = line.filter(({ uses }) => uses).length
        if (wanting === 0) {
          await letDecoysGo()
          continue
        }
        const { granted, waitMs } = await take(Math.min(wanting, most))
        held = granted
        if (granted === 0) await sleep(waitMs)
      }
      const next = held > 0 ? line.shift() : undefined
      if (next?.uses === true) held -= 1
      next?.go(true)
    }
    serving = false
  }

  return {
    turn: (wanted) => {
      const behind = line.findIndex(({ priority }) => priority > wanted.priority)
      const at = behind < 0 ? line.length : behind
      const ahead = line.slice(0, at).filter(({ uses }) => uses).length
      // Who would wait in vain gives his slot back now: other lanes have messages for it.
      if (ahead >= (perSecond * wanted.patienceMs) / 1_000) return Promise.resolve(false)
      return new Promise((resolve) => {
        const end = (turn: boolean) => {
          clearTimeout(timer)
          const place = line.indexOf(waiter)
          if (place >= 0) line.splice(place, 1)
          onWaiting(line.length)
          resolve(turn)
        }
        const waiter: Waiter = { ...wanted, go: end }
        const timer = setTimeout(() => end(false), wanted.patienceMs)
        line.splice(at, 0, waiter)
        onWaiting(line.length)
        void serve()
      })
    },
  }
}
