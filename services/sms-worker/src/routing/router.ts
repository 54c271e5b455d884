import type { DeliveryReason } from '@latchkey/contracts/delivery'
import { type E164, nobody } from '@latchkey/contracts/phone'
import type { SendOutcome, SmsMessage } from '../providers/provider.js'
import {
  type AttemptFence,
  type FenceView,
  possibleAccepts,
  possibleAcceptsMax,
  settledAttempt,
} from './attempt-fence.js'
import { createDecoyLane } from './decoy-lane.js'
import { handOverMs, lookUpAfterMs, resolveEarlier, type Sought } from './earlier-attempts.js'
import type { Lane } from './lane.js'
import { retryDelayMs } from './retry-schedule.js'

/** What is to be done about a message after one round over its lanes. The fence has the attempts. */
export type Round =
  /** A carrier took it, or refused it for good. */
  | { readonly verdict: 'settled' }
  /** Nothing left; or something did, and it is too early to ask. */
  | { readonly verdict: 'again'; readonly afterMs: number }
  /** It may have been sent twice already, and nobody can be asked. */
  | { readonly verdict: 'spent' }
  /** Nothing left, and nothing will until an operator acts. */
  | { readonly verdict: 'hopeless'; readonly reason: DeliveryReason }
  /** The code died before the call. */
  | { readonly verdict: 'unwanted' }

export interface Delivery {
  readonly message: Omit<SmsMessage, 'lifeMs'>
  /** Asked directly before each call: the life that is left, or undefined where the message must not go any more. */
  readonly lifeLeft: () => Promise<number | undefined>
  /** Once aborted, no further call to a provider begins. */
  readonly closing: AbortSignal
}

export interface Router {
  deliver(delivery: Delivery): Promise<Round>
  /** Finds out, as far as possible and without a send, what became of earlier attempts; ms to wait where it is too early. */
  resolve(message: Sought, closing: AbortSignal): Promise<{ waitMs: number }>
  laneNamed(name: string): Lane | undefined
}

interface RouterDeps {
  readonly fence: AttemptFence
  readonly lanes: readonly [Lane, ...Lane[]]
  /** Development only: numbers that never reach a carrier, and the lane they take. */
  readonly test?: { readonly numbers: ReadonlySet<string>; readonly lane: Lane }
}

/** A worker that was paused for longer between its fence and its call may have been replaced. */
const staleAfterMs = 1_000
const anotherWorkerMs = 1_000

/** Walks the lanes in order, one fenced attempt each, until one takes or refuses the message. */
export function createRouter({ fence, lanes, test }: RouterDeps): Router {
  const decoys = lanes.map(createDecoyLane)
  const known = [...lanes, ...decoys, ...(test === undefined ? [] : [test.lane])]
  const laneNamed = (name: string) => known.find(({ provider }) => provider.name === name)
  const lanesFor = (to: E164): readonly Lane[] => {
    if (to === nobody) return decoys
    return test?.numbers.has(to) === true ? [test.lane] : lanes
  }

  async function attempt(lane: Lane, view: FenceView, { message, lifeLeft }: Delivery): Promise<Attempted> {
    const since = performance.now()
    const taken = await fence.take(message.id, view, lane.provider.name)
    if (taken === undefined) return 'taken by another'
    const lifeMs = await lifeLeft().catch(() => undefined)
    const wanted = lifeMs !== undefined && performance.now() - since < staleAfterMs
    const { outcome, tookMs } = wanted ? await lane.send({ ...message, lifeMs }) : notCalled
    await fence.record(message.id, {
      number: taken.number,
      outcome,
      endedAtMs: taken.startedAtMs + tookMs,
      by: 'caller',
    })
    return wanted ? outcome : 'unwanted'
  }

  async function walk(delivery: Delivery, start: FenceView): Promise<Round> {
    const refusals: Extract<SendOutcome, { outcome: 'not_sent' }>[] = []
    const pauseMs = retryDelayMs(start.attempts.length + 1)
    let view = start
    for (const lane of lanesFor(delivery.message.to)) {
      if (delivery.closing.aborted) return { verdict: 'again', afterMs: handOverMs }
      if (refusals.length > 0) view = await fence.read(delivery.message.id)
      const outcome = await attempt(lane, view, delivery)
      if (outcome === 'unwanted') return { verdict: 'unwanted' }
      if (outcome === 'taken by another') return { verdict: 'again', afterMs: anotherWorkerMs }
      if (outcome.outcome === 'unknown') return { verdict: 'again', afterMs: Math.max(lookUpAfterMs, pauseMs) }
      if (outcome.outcome !== 'not_sent') return { verdict: 'settled' }
      refusals.push(outcome)
    }
    const [first] = refusals
    if (first !== undefined && refusals.every(({ permanent }) => permanent === true))
      return { verdict: 'hopeless', reason: first.reason }
    const asked = Math.min(...refusals.map(({ retryAfterMs = 0 }) => retryAfterMs))
    return { verdict: 'again', afterMs: Math.max(asked, pauseMs) }
  }

  return {
    async deliver(delivery) {
      const { id } = delivery.message
      const before = await fence.read(id)
      const message = { ...delivery.message, lifeMs: 0 }
      const { closing } = delivery
      const { waitMs } = await resolveEarlier({ fence, message, view: before, laneNamed, closing })
      if (waitMs > 0) return { verdict: 'again', afterMs: waitMs }
      const view = before.attempts.length === 0 ? before : await fence.read(id)
      if (settledAttempt(view) !== undefined) return { verdict: 'settled' }
      if (possibleAccepts(view) < possibleAcceptsMax) return walk(delivery, view)
      const askable = view.attempts.some(
        ({ result, provider }) => result?.outcome === 'unknown' && laneNamed(provider)?.provider.list !== undefined,
      )
      return askable ? { verdict: 'again', afterMs: retryDelayMs(view.attempts.length + 1) } : { verdict: 'spent' }
    },
    resolve: async (message, closing) =>
      resolveEarlier({ fence, message, view: await fence.read(message.id), laneNamed, closing }),
    laneNamed,
  }
}

type Attempted = SendOutcome | 'taken by another' | 'unwanted'

const notCalled = {
  outcome: { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'not-called' },
  tookMs: 0,
} as const
