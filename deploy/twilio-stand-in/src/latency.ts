/** How long a carrier takes to answer: log-normal, as carriers are, and now and then stalled. The same seed is the same sequence. */
export interface LatencyProfile {
  readonly medianMs: number
  readonly p99Ms: number
  readonly seed: number
  /** Of all calls, how many are stalled (0 … 1), and for how long. */
  readonly stallShare: number
  readonly stallMs: number
}

/** 99 of 100 values of a standard normal distribution lie below. */
const z99 = 2.3263

/** Waits before answers, one after another. */
export function createLatency({ medianMs, p99Ms, seed, stallShare, stallMs }: LatencyProfile): () => number {
  const random = mulberry32(seed)
  const sigma = Math.log(p99Ms / medianMs) / z99
  return () => {
    // Drawn for every call, stalled or not, so that stalls do not change what the others wait.
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return random() < stallShare ? stallMs : medianMs * Math.exp(sigma * normal)
  }
}

/** The order in a request's JSON; undefined where it cannot be read. */
export function readLatency(json: unknown): LatencyProfile | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { medianMs, p99Ms, seed = 1, stallShare = 0, stallMs = 0 } = json as Record<string, unknown>
  const profile = {
    medianMs: Number(medianMs),
    p99Ms: Number(p99Ms),
    seed: Number(seed),
    stallShare: Number(stallShare),
    stallMs: Number(stallMs),
  }
  const usable = profile.medianMs > 0 && profile.p99Ms >= profile.medianMs
  return usable && Object.values(profile).every(Number.isFinite) ? profile : undefined
}

/** A small generator that is good enough for waits: 32 bits of state, uniform in [0, 1). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
