import type { Address } from '@latchkey/contracts/address'
import type { Listed, SendOutcome, SmsMessage, SmsProvider } from '../providers/provider.js'
import { inSpan, isTracing } from '@latchkey/kit/tracing'
import type { LaneHealth } from './lane-health.js'
import type { Pace } from './pace.js'

/** What one call came to, and how long it took. */
export interface Sent {
  readonly outcome: SendOutcome
  readonly tookMs: number
}

/** What one look-up came to. */
export interface LookedUp {
  readonly ended: 'found' | 'nothing' | 'failed'
  readonly tookMs: number
}

/** A provider with its breakers, its pace, and what this worker has seen of it. */
export interface Lane extends Pick<LaneHealth, 'standing' | 'enter' | 'whole' | 'share'>, Pick<Pace, 'turn'> {
  /** That of its provider; of a decoy that of the lane it plays. */
  readonly name: string
  readonly provider: SmsProvider
  /** Its last call and its last look-up that still tell how it fares: what decoys have to look like. */
  readonly lastSent: () => Sent | undefined
  readonly lastLookedUp: () => LookedUp | undefined
  /** Its pace; without one messages go as they come. */
  readonly perSecond?: number
  /** How many are under way. */
  readonly calls: () => number
  send(message: SmsMessage): Promise<Sent>
  /** The provider's list; undefined where it could not be asked. */
  list(to: Address, since: Date): Promise<readonly Listed[] | undefined>
}

interface LaneOptions {
  readonly provider: SmsProvider
  readonly health: LaneHealth
  /** Without one messages go as they come. */
  readonly pace?: Pace
  readonly observe: ObserveOutcome
}

export type ObserveOutcome = (provider: string, outcome: SendOutcome['outcome']) => void

/** What was seen longer ago says nothing of now, unless the carrier asked for a longer pause. */
const tellingMs = 60_000

export function createLane({ provider, health, pace, observe }: LaneOptions): Lane {
  const sent = memory<Sent>()
  const lookedUp = memory<LookedUp>()
  let calls = 0
  const ask = isTracing() ? traced(provider) : provider.send
  return {
    name: provider.name,
    provider,
    standing: health.standing,
    enter: health.enter,
    whole: health.whole,
    share: health.share,
    ...(pace !== undefined && { perSecond: pace.perSecond }),
    calls: () => calls,
    turn: async (wanted) => pace === undefined || pace.turn(wanted),
    lastSent: sent.recall,
    lastLookedUp: lookedUp.recall,
    async send(message) {
      const start = performance.now()
      calls += 1
      const outcome = await health.run(() => ask(message).catch((): SendOutcome => ({ outcome: 'unknown' })))
      calls -= 1
      const tookMs = Math.round(performance.now() - start)
      const retryAfterMs = outcome.outcome === 'not_sent' ? (outcome.retryAfterMs ?? 0) : 0
      // A refused number says nothing of the lane.
      if (outcome.outcome !== 'rejected') sent.keep({ outcome, tookMs }, Math.max(tellingMs, retryAfterMs))
      observe(provider.name, outcome.outcome)
      return { outcome, tookMs }
    },
    async list(to, since) {
      const start = performance.now()
      const listed = await provider.list?.(to, since).catch(() => undefined)
      const ended = listed === undefined ? 'failed' : listed.length > 0 ? 'found' : 'nothing'
      lookedUp.keep({ ended, tookMs: Math.round(performance.now() - start) }, tellingMs)
      return listed
    },
  }
}

/** Calls to the carrier as spans, by what they come to. */
const traced =
  (provider: SmsProvider): SmsProvider['send'] =>
  (message) =>
    inSpan(
      `send ${provider.name}`,
      { 'latchkey.provider': provider.name },
      () => provider.send(message),
      ({ outcome }) => ({ 'latchkey.outcome': outcome }),
    )

/** Holds the newest value for as long as it is good. */
function memory<T>(): { keep: (value: T, forMs: number) => void; recall: () => T | undefined } {
  let kept: { readonly value: T; readonly until: number } | undefined
  return {
    keep(value, forMs) {
      kept = { value, until: performance.now() + forMs }
    },
    recall: () => (kept !== undefined && performance.now() < kept.until ? kept.value : undefined),
  }
}
