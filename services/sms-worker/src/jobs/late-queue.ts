/** When the oldest job waits longer than this, those with less life than this go behind the rest: they would be dropped anyway, and take others with them. */
export const lateAfterMs = 30_000
const rememberMs = 1_000

/** Whether the queue is late, asked at most once a second. A queue that cannot be asked is not late. */
export function createLateQueue(oldestWaitingMs: () => Promise<number>): () => Promise<boolean> {
  let asked: { at: number; late: Promise<boolean> } | undefined
  return () => {
    const at = performance.now()
    if (asked === undefined || at - asked.at > rememberMs) {
      const late = oldestWaitingMs().then(
        (ms) => ms > lateAfterMs,
        () => false,
      )
      asked = { at, late }
    }
    return asked.late
  }
}
