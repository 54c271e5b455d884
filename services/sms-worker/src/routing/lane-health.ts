import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  DelegateBackoff,
  handleWhenResult,
  type IBreaker,
} from 'cockatiel'
import type { SendOutcome } from '../providers/provider.js'

/** Why a lane is out: most of its calls fail, or its carrier does not know us. */
export type Why = 'ill' | 'barred'

/**
 * `open`: like any other. `ill`: most calls fail, some are answered: for messages that have no other lane. `away`: nothing is
 * answered. `barred`: the carrier does not know us, and no message can go until an operator acts.
 */
export type Standing = 'open' | 'ill' | 'away' | 'barred'

/** What a worker thinks of a lane, by what its calls came to. */
export interface LaneHealth {
  standing(): Standing
  /** As `standing`; where the lane is out and a probe is due, whoever asks first is to make it. */
  enter(): Standing
  /** Whether neither breaker is broken: one that is lets probes through. */
  whole(): boolean
  /** The part of its messages, up to 1, that a lane gets: one that comes back gets them little by little. */
  share(): number
  /** Makes a call that was let in, and learns from what it came to. */
  run(call: () => Promise<SendOutcome>): Promise<SendOutcome>
}

export interface LaneTimes {
  /** Before the first probe of a lane that is ill; doubled for each time that it breaks again before it is whole. */
  readonly probeMs: number
  readonly longestProbeMs: number
  /** Before the first probe of a lane whose carrier does not know us. */
  readonly barredProbeMs: number
  readonly longestBarredProbeMs: number
  /** An ill lane that answered within this time is still there for those who have no other. */
  readonly lastResortMs: number
  /** From its coming back until a lane has all of its share again. */
  readonly rampMs: number
}

const usualTimes: LaneTimes = {
  probeMs: 1_000,
  longestProbeMs: 30_000,
  barredProbeMs: 30_000,
  longestBarredProbeMs: 300_000,
  lastResortMs: 3_000,
  rampMs: 30_000,
}

interface HealthOptions {
  /** Told when a lane goes out and when it is back; probes that fail in between are no news. */
  readonly onChange: (why: Why, out: boolean) => void
  readonly times?: Partial<LaneTimes>
}

/** More than half of the last 20 calls, of 6 at least: by count, so that a quiet hour and a rush are judged alike. */
const illWhen = () => new CountBreaker({ threshold: 0.5, size: 20, minimumNumberOfCalls: 6 })
/** One refusal may be a slip of theirs; without any other answer in between, three are none. */
const barredWhen = () => new ConsecutiveBreaker(3)
const leastShare = 0.1
/** A carrier that answers none of so many calls in a row is no last resort. */
const lastResortCalls = 10
/** Whoever was to make a probe may have died of something else. */
const probeClaimMs = 2_000

const isFailure = (outcome: SendOutcome) =>
  (outcome.outcome === 'unknown' && outcome.answered !== true) ||
  (outcome.outcome === 'not_sent' && outcome.permanent !== true)
const isBarred = (outcome: SendOutcome) => outcome.outcome === 'not_sent' && outcome.barred === true

/** Two breakers over one lane: for a carrier that is ill, and for one that does not know us. */
export function createLaneHealth({ onChange, times = {} }: HealthOptions): LaneHealth {
  const all = { ...usualTimes, ...times }
  // Before it was asked at all nothing speaks against it.
  let answeredAt = Date.now()
  let unanswered = 0
  let backAt = -Infinity
  const back = (why: Why) => {
    backAt = Date.now()
    onChange(why, false)
  }
  const ill = createGate({
    breaker: illWhen(),
    fails: isFailure,
    firstMs: all.probeMs,
    longestMs: all.longestProbeMs,
    again: () => Date.now() - backAt < all.rampMs,
    onBreak: () => onChange('ill', true),
    onReset: () => back('ill'),
  })
  const barred = createGate({
    breaker: barredWhen(),
    // A probe that says nothing of our credentials does not bring the lane back.
    fails: (outcome, probing) => isBarred(outcome) || (probing && isFailure(outcome)),
    firstMs: all.barredProbeMs,
    longestMs: all.longestBarredProbeMs,
    again: () => Date.now() - backAt < all.rampMs,
    onBreak: () => onChange('barred', true),
    onReset: () => back('barred'),
  })

  const standing = (pass: (gate: Gate) => boolean): Standing => {
    if (!pass(barred)) return 'barred'
    if (pass(ill)) return 'open'
    return Date.now() - answeredAt < all.lastResortMs && unanswered < lastResortCalls ? 'ill' : 'away'
  }
  return {
    standing: () => standing((gate) => gate.ready()),
    enter: () => standing((gate) => gate.claim()),
    whole: () => barred.whole() && ill.whole(),
    share: () => Math.min(1, Math.max(leastShare, (Date.now() - backAt) / all.rampMs)),
    run: (call) =>
      barred.run(() =>
        ill.run(async () => {
          const outcome = await call()
          unanswered = isFailure(outcome) ? unanswered + 1 : 0
          if (unanswered === 0) answeredAt = Date.now()
          return outcome
        }),
      ),
  }
}

interface Gate {
  whole(): boolean
  /** Whether calls, or now a probe, may go through. */
  ready(): boolean
  /** As `ready`; a probe that is due is the caller's. */
  claim(): boolean
  run(call: () => Promise<SendOutcome>): Promise<SendOutcome>
}

interface GateOptions {
  readonly breaker: IBreaker
  readonly fails: (outcome: SendOutcome, probing: boolean) => boolean
  readonly firstMs: number
  readonly longestMs: number
  /** Whether a break comes too soon after the last one to count as the first. */
  readonly again: () => boolean
  readonly onBreak: () => void
  readonly onReset: () => void
}

/** A breaker that says beforehand whether it would let a call through: nobody takes a fence for nothing. */
function createGate({ breaker, fails, firstMs, longestMs, again, onBreak, onReset }: GateOptions): Gate {
  let out = false
  let strikes = 0
  let probeAt = 0
  let claimed = false
  let round = 0
  const policy: CircuitBreakerPolicy = circuitBreaker(
    handleWhenResult((result) => fails(result as SendOutcome, out)),
    { breaker, halfOpenAfter: new DelegateBackoff(() => nextProbe()) },
  )
  policy.onBreak(() => {
    if (out) return
    out = true
    round += 1
    onBreak()
  })
  policy.onReset(() => {
    out = false
    onReset()
  })

  function nextProbe(): number {
    if (!out && !again()) strikes = 0
    const ms = Math.min(longestMs, firstMs * 2 ** strikes)
    strikes += 1
    // A millisecond later than the breaker itself would let it through.
    probeAt = Date.now() + ms + 1
    return ms
  }

  const ready = () => !out || (policy.state !== CircuitState.HalfOpen && Date.now() >= probeAt)
  return {
    whole: () => !out,
    ready,
    claim() {
      if (!ready()) return false
      if (out) {
        claimed = true
        probeAt = Date.now() + probeClaimMs
      }
      return true
    },
    async run(call) {
      const began = round
      // Let in as a last resort, or just before it broke: what it comes to changes nothing.
      if (out && !claimed) return call()
      if (claimed) {
        claimed = false
        return policy.execute(call)
      }
      const outcome = await call()
      // A call of an earlier round ends late, and says nothing about the carrier as it is now: neither against it nor for it.
      return began === round ? policy.execute(async () => outcome) : outcome
    },
  }
}
