import { setTimeout as sleep } from 'node:timers/promises'

/** Lets one through each time, in the order in which they come; whoever comes to a free one goes at once. */
export function createTurnstile(everyMs: number): () => Promise<void> {
  let nextAt = 0
  return async () => {
    const now = performance.now()
    const at = Math.max(now, nextAt)
    nextAt = at + everyMs
    if (at > now) await sleep(at - now)
  }
}
