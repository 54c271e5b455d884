/** A part of the worker's slots. */
export interface Share {
  readonly size: number
  readonly free: () => number
  /** Takes a slot of the share, waiting a little where none is free, and gives the way to leave it; undefined where none came free. */
  enter(): Promise<(() => void) | undefined>
}

/** First come, first served; who waited for `patienceMs` in vain goes, and so makes room for others. */
export function createShare(size: number, patienceMs: number): Share {
  const waiting = new Set<(leave: () => void) => void>()
  let taken = 0

  function leave(): void {
    const [next] = waiting
    if (next === undefined) taken -= 1
    else {
      waiting.delete(next)
      next(leave)
    }
  }
  return {
    size,
    free: () => size - taken,
    async enter() {
      if (taken < size) {
        taken += 1
        return leave
      }
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          waiting.delete(enter)
          resolve(undefined)
        }, patienceMs)
        const enter = (way: () => void) => {
          clearTimeout(timer)
          resolve(way)
        }
        waiting.add(enter)
      })
    },
  }
}
