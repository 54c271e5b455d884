import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a load came to. Latencies are in microseconds. */
export interface Load {
  readonly latency: RecordableHistogram
  readonly asked: number
  readonly failed: number
  /** What the first failure said, for people. */
  readonly trouble: string | undefined
  readonly seconds: number
  /** How late the generator itself started its requests at most: what it could not keep up with counts as latency. */
  readonly latestStartMs: number
}

/** One request, or a request and its follow-up steps; throws where it is not answered as it should be. */
export type Ask = (turn: number) => Promise<unknown>

/**
 * Asks at a steady rate, however slowly it is answered, and measures each from the moment it was due: a server that stalls
 * cannot slow its own examiner down.
 */
export async function openLoop(ask: Ask, { perSecond, turns }: { perSecond: number; turns: number }): Promise<Load> {
  const count = createCount()
  const began = performance.now()
  const open: Promise<void>[] = []
  let latestStartMs = 0
  for (let turn = 0; turn < turns; turn += 1) {
    const dueAt = began + (turn * 1_000) / perSecond
    const waitMs = dueAt - performance.now()
    if (waitMs > 0) await sleep(waitMs)
    latestStartMs = Math.max(latestStartMs, performance.now() - dueAt)
    open.push(count.one(ask(turn), dueAt))
  }
  await Promise.all(open)
  return { ...count.result(), seconds: (performance.now() - began) / 1_000, latestStartMs }
}

/** Asks again as soon as it is answered, by so many at once: what a server can do at most. */
export async function closedLoop(
  ask: Ask,
  { callers, turns, seconds = Number.POSITIVE_INFINITY }: { callers: number; turns: number; seconds?: number },
): Promise<Load> {
  const count = createCount()
  const began = performance.now()
  let next = 0
  async function call(): Promise<void> {
    while (next < turns && performance.now() - began < seconds * 1_000) {
      const turn = next
      next += 1
      await count.one(ask(turn), performance.now())
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return { ...count.result(), seconds: (performance.now() - began) / 1_000, latestStartMs: 0 }
}

function createCount() {
  const latency = createHistogram({ figures: 3 })
  let asked = 0
  let failed = 0
  let trouble: string | undefined
  return {
    async one(answer: Promise<unknown>, dueAt: number): Promise<void> {
      asked += 1
      try {
        await answer
        latency.record(Math.max(1, Math.round((performance.now() - dueAt) * 1_000)))
      } catch (error) {
        failed += 1
        trouble ??= error instanceof Error ? error.message : String(error)
      }
    },
    result: () => ({ latency, asked, failed, trouble }),
  }
}

/** A percentile in milliseconds. */
export const percentileMs = ({ latency }: Load, percent: number): number => latency.percentile(percent) / 1_000
