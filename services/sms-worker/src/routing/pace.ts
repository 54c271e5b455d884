import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'

export interface Turn {
  /** Its class: lower goes first. */
  readonly priority: number
  /** Within a class, whose code dies first. */
  readonly deadlineMs: number
  readonly patienceMs: number
  /** A decoy waits like the rest, and uses nothing up. */
  readonly uses: boolean
}

/** How fast messages may go to one carrier, over all workers. */
export interface Pace {
  /** Waits for a turn; false where none came in time, and at once where none can. */
  turn(wanted: Turn): Promise<boolean>
  readonly perSecond: number
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

/** Of a second's turns, those that a class may take ahead of their time. Whoever comes behind leaves the rest to it, in every worker. */
const aheadOf = (priority: number) => [0.8, 0.8, 0.7, 0.5, 0.25][priority] ?? 0.1
/** All workers are told the same time of the next turn: whoever is nearest to Redis would have them all. */
const spreadMs = 50
/** Between two looks, however fast the lane is. */
const shortestWaitMs = 10

/**
 * When the next turn falls due stands in Redis, so the pace holds for all workers together. In each worker one look at a time is made
 * for whoever is first in line: a rush of sign-ups neither wears the pace out nor stands before a sign-in.
 */
export function createPace({ redis, prefix, lane, perSecond, onWaiting }: PaceOptions): Pace {
  const script = redisScript<[number, number]>(redis, new URL('./lua/pace_take.1.lua', import.meta.url))
  const intervalUs = Math.round(1_000_000 / perSecond)
  /** A worker takes a tenth of a second's turns at once at most, so that others get theirs. */
  const most = Math.ceil(perSecond / 10)
  const line: Waiter[] = []
  let serving = false
  let wake = () => {}

  /** Turns for at most so many of a class, and where there are none, how long to wait; for 0 it only looks. */
  async function take(wanted: number, priority: number): Promise<{ granted: number; waitMs: number }> {
    const ahead = Math.max(1, Math.ceil(perSecond * aheadOf(priority)))
    // A Redis that cannot be asked has no fence either: the message gets no further than that.
    const [granted, waitMs] = await script(`${prefix}:turn:${lane}`, intervalUs, wanted, ahead).catch(
      () => [wanted, 0] as const,
    )
    return { granted, waitMs: waitMs === 0 ? 0 : Math.max(shortestWaitMs, waitMs + spreadMs * Math.random()) }
  }

  /** Until then, or until somebody comes who goes before all that wait; not at all where one came while it was asked for this class. */
  async function pause(ms: number, priority: number): Promise<void> {
    if ((line[0]?.priority ?? priority) < priority) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Decoys at the head of the line go as soon as a message could. */
  async function letDecoysGo(): Promise<void> {
    const { priority = 1 } = line[0] ?? {}
    const { waitMs } = await take(0, priority)
    if (waitMs > 0) await pause(waitMs, priority)
    else while (line[0]?.uses === false) line.shift()?.go(true)
  }

  async function serve(): Promise<void> {
    if (serving) return
    serving = true
    let held = 0
    while (line.length > 0) {
      if (held === 0) {
        const { priority = 1 } = line[0] ?? {}
        const wanting = line.filter((waiter) => waiter.uses && waiter.priority === priority).length
        if (wanting === 0) {
          await letDecoysGo()
          continue
        }
        const { granted, waitMs } = await take(Math.min(wanting, most), priority)
        held = granted
        if (granted === 0) await pause(waitMs, priority)
      }
      const next = held > 0 ? line.shift() : undefined
      if (next?.uses === true) held -= 1
      next?.go(true)
    }
    serving = false
  }

  return {
    perSecond,
    turn: (wanted) => {
      const behind = line.findIndex((waiter) => goesBefore(wanted, waiter))
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
        if (at === 0) wake()
        void serve()
      })
    },
  }
}

const goesBefore = (a: Turn, b: Turn): boolean =>
  a.priority === b.priority ? a.deadlineMs < b.deadlineMs : a.priority < b.priority
