const firstMs = 1_000
const longestMs = 15_000

/** The pause before try number `tries + 1`: about 1 s, doubling to 15 s, spread by a quarter so that jobs do not come back in one wave. */
export function retryDelayMs(tries: number, random: () => number = Math.random): number {
  const pauseMs = Math.min(longestMs, firstMs * 2 ** Math.max(0, tries - 1))
  return Math.round(pauseMs * (0.75 + random() / 2))
}
