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
  /** Waits for a turn; false where none came in time. */
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
  const line: Waiter[] = []
  let serving = false

  /** 0 where this second has a turn left, else how long to wait. */
  const take = () =>
    limiter.consume(lane).then(
      () => 0,
      // A Redis that cannot be asked has no fence either: the message gets no further than that.
      (refused: unknown) => (refused instanceof RateLimiterRes ? Math.max(shortestWaitMs, refused.msBeforeNext) : 0),
    )

  async function serve(): Promise<void> {
    if (serving) return
    serving = true
    let held = false
    while (line.length > 0) {
      const waitMs: number = held ? 0 : await take()
      held = waitMs === 0
      if (!held) await sleep(waitMs)
      const next = held ? line.shift() : undefined
      if (next?.uses === true) held = false
      next?.go(true)
    }
    serving = false
  }

  return {
    turn: (wanted) =>
      new Promise((resolve) => {
        const end = (turn: boolean) => {
          clearTimeout(timer)
          const at = line.indexOf(waiter)
          if (at >= 0) line.splice(at, 1)
          onWaiting(line.length)
          resolve(turn)
        }
        const waiter: Waiter = { ...wanted, go: end }
        const timer = setTimeout(() => end(false), wanted.patienceMs)
        const behind = line.findIndex(({ priority }) => priority > wanted.priority)
        line.splice(behind < 0 ? line.length : behind, 0, waiter)
        onWaiting(line.length)
        void serve()
      }),
  }
}
