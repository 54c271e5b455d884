import { nobodysMail } from '@latchkey/contracts/address'
import type { DeliveryReason } from '@latchkey/contracts/delivery'
import { nobody } from '@latchkey/contracts/phone'
import type { SendOutcome, SmsMessage } from '../providers/provider.js'
import { type AttemptFence, type FenceView, lastAttempt, possibleAccepts, possibleAcceptsMax } from './attempt-fence.js'
import { type LookAtSwitches, nothingSwitched, type Switched } from '../switchboard/switchboard.js'
import { chooseLanes } from './choose.js'
import { createDecoyLane } from './decoy-lane.js'
import { handOverMs, lookUpAfterMs, resolveEarlier, type Sought } from './earlier-attempts.js'
import type { Lane } from './lane.js'
import type { Standing } from './lane-health.js'
import { retryDelayMs } from './retry-schedule.js'
import { type Destination, type Route, routeFor } from './routes.js'
import type { Place, WaitingRoom } from './waiting-room.js'

/** What is to be done about a message after one round over its lanes. The fence has the attempts. */
export type Round =
  /** A carrier took it, or refused it for good: as the fence has it. */
  | { readonly verdict: 'settled'; readonly view: FenceView }
  /** No carrier that may take it has a way to the number. */
  | { readonly verdict: 'refused' }
  /** Nothing left; or something did, and it is too early to ask. With a `room`, nobody was called, and it waits there for its turn. */
  | { readonly verdict: 'again'; readonly afterMs: number; readonly room?: WaitingRoom }
  /** It may have been sent twice already, and nobody can be asked. */
  | { readonly verdict: 'spent' }
  /** Nothing left, and nothing will until an operator acts. */
  | { readonly verdict: 'hopeless'; readonly reason: DeliveryReason }
  /** The code died before the call. */
  | { readonly verdict: 'unwanted' }

export interface Delivery {
  readonly message: Omit<SmsMessage, 'lifeMs'>
  readonly destination: Destination
  /** The lane of the send that it repeats. */
  readonly avoid?: string
  /** Whose turn comes first. */
  readonly place: Place
  /** How often its job was begun. */
  readonly starts: number
  /** Asked directly before each call: the life that is left, or undefined where the message must not go any more. */
  readonly lifeLeft: () => Promise<number | undefined>
  /** Told of each lane that took it, or may have. */
  readonly took: (lane: string) => Promise<void>
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
  readonly routes?: readonly Route[]
  /** Development only: numbers that never reach a carrier, and the lane they take. */
  readonly test?: { readonly numbers: ReadonlySet<string>; readonly lane: Lane }
  readonly lookAtSwitches?: LookAtSwitches
  /** Where messages wait that may take these lanes only; undefined where they come again by themselves. */
  readonly roomOf?: (lanes: readonly Lane[]) => WaitingRoom | undefined
  readonly random?: () => number
}

/** A worker that was paused for longer between its fence and its call may have been replaced. */
const staleAfterMs = 1_000
const anotherWorkerMs = 1_000
/** How long a job holds its slot for a turn; codes for people who wait at a log-in longer than others. */
const patienceMs = (priority: number) => (priority <= 2 ? 3_000 : 1_000)
const nextTurnMs = 500

/** What one lane can do for a message: nothing any more, or something later. */
type Chance =
  | { readonly never: DeliveryReason; readonly recipient?: true; readonly after?: FenceView }
  | { readonly laterMs: number; readonly after?: FenceView; readonly waits?: true }
  | { readonly round: Round }

/** Nobody was called: where there is a room, that is where the message waits. */
type Walked = Round | { readonly verdict: 'waits'; readonly afterMs: number }

/** Walks the lanes of a message's route, one fenced attempt each, until one takes or refuses it. */
export function createRouter({
  fence,
  lanes,
  routes = [],
  test,
  lookAtSwitches = nothingSwitched,
  roomOf = () => undefined,
  random = Math.random,
}: RouterDeps): Router {
  const byName = (all: readonly Lane[]) => new Map(all.map((lane) => [lane.name, lane]))
  const decoys = byName(lanes.map(createDecoyLane))
  const real = byName(lanes)
  const names = [...real.keys()]
  const known = [...lanes, ...decoys.values(), ...(test === undefined ? [] : [test.lane])]
  const laneNamed = (name: string) => known.find(({ provider }) => provider.name === name)

  function lanesFor(
    { message: { to }, destination, avoid }: Delivery,
    view: FenceView,
    { weightOf }: Switched,
  ): readonly Lane[] {
    if (test?.numbers.has(to) === true) return [test.lane]
    const route = routeFor(routes, names, destination)
    const its = to === nobody || to === nobodysMail ? decoys : real
    return chooseLanes({ route, lanes: its, view, random, weightOf, ...(avoid !== undefined && { avoid }) })
  }

  async function attempt(lane: Lane, view: FenceView, { message, lifeLeft, took }: Delivery): Promise<Attempted> {
    const since = performance.now()
    // Asked behind the fence, in the same write.
    const [taken, lifeMs] = await Promise.all([
      fence.take(message.id, view, lane.provider.name),
      lifeLeft().catch(() => 'not told' as const),
    ])
    if (taken === undefined) return 'taken by another'
    const may = typeof lifeMs === 'number' && performance.now() - since < staleAfterMs
    const { outcome, tookMs } = may ? await lane.send({ ...message, attempt: taken.number, lifeMs }) : notCalled
    const endedAtMs = taken.startedAtMs + tookMs
    const known = await fence.record(message.id, { number: taken.number, outcome, endedAtMs, by: 'caller' })
    if (lanes.length > 1 && (outcome.outcome === 'accepted' || outcome.outcome === 'unknown')) await took(lane.name)
    if (may) return { outcome, after: known.view }
    return lifeMs === undefined ? 'unwanted' : 'held up'
  }

  /** What there is to hope for from a lane that an operator keeps from taking the message; undefined where none does. */
  async function heldBack(lane: Lane, { place: { queuedAt }, starts }: Delivery): Promise<Chance | undefined> {
    return (await lookAtSwitches()).takes(lane.name, queuedAt) ? undefined : waits(retryDelayMs(starts))
  }

  /** What a lane can do for the message: by what it said before, by how it fares, by its pace; then by a call. */
  async function tryLane(lane: Lane, view: FenceView, delivery: Delivery): Promise<Chance> {
    const before = view.attempts.find(({ provider, result }) => provider === lane.provider.name && isNever(result))
    // As said by an earlier round: this one makes no call.
    if (before?.result !== undefined) return chanceOf({ outcome: before.result, after: view }, 0, { called: false })
    const { place, closing, starts } = delivery
    const { priority, deadlineMs } = place
    const shut = (await heldBack(lane, delivery)) ?? shutBy(lane.standing(), starts)
    if (shut !== undefined) return shut
    if (!(await lane.turn({ priority, deadlineMs, patienceMs: patienceMs(priority), uses: true })))
      return waits(nextTurnMs * (1 + random()))
    if (closing.aborted) return { round: { verdict: 'again', afterMs: handOverMs } }
    // While it stood in line the lane may have gone out, or been paused.
    const shutMeanwhile = (await heldBack(lane, delivery)) ?? shutBy(lane.enter(), starts)
    if (shutMeanwhile !== undefined) return shutMeanwhile
    const attempted = await attempt(lane, view, delivery)
    if (attempted === 'unwanted') return { round: { verdict: 'unwanted' } }
    if (attempted === 'taken by another' || attempted === 'held up')
      return { round: { verdict: 'again', afterMs: anotherWorkerMs } }
    return chanceOf(attempted, retryDelayMs(view.attempts.length + 1))
  }

  async function walk(delivery: Delivery, view: FenceView): Promise<Round> {
    const its = lanesFor(delivery, view, await lookAtSwitches())
    const room = roomOf(its)
    const isBehind = room !== undefined && (await room.isBehind(delivery.place))
    const walked: Walked = isBehind ? { verdict: 'waits', afterMs: nextTurnMs } : await walkOver(its, delivery, view)
    // Unheard, it is looked at again whether the message is still in hand.
    await room?.done(delivery.place.id).catch(() => undefined)
    if (walked.verdict !== 'waits') return walked
    return { verdict: 'again', afterMs: walked.afterMs, ...(room !== undefined && { room }) }
  }

  async function walkOver(its: readonly Lane[], delivery: Delivery, start: FenceView): Promise<Walked> {
    const chances: Exclude<Chance, { round: Round }>[] = []
    let view = start
    for (const lane of its) {
      const chance = await tryLane(lane, view, delivery)
      if ('round' in chance) return chance.round
      chances.push(chance)
      const next = chance.after
      if (next !== undefined) {
        // Whatever else happened to the message meanwhile, this worker has not judged by it.
        if (next.attempts.length !== view.attempts.length + 1) return { verdict: 'again', afterMs: anotherWorkerMs }
        view = next
      }
    }
    const later = chances.flatMap((chance) => ('laterMs' in chance ? [chance.laterMs] : []))
    if (later.length > 0) {
      const onlyWaits = chances.every((chance) => 'waits' in chance)
      return { verdict: onlyWaits ? 'waits' : 'again', afterMs: Math.min(...later) }
    }
    const never = chances.flatMap((chance) => ('never' in chance ? [chance] : []))
    if (never.some(({ recipient }) => recipient === true)) return { verdict: 'refused' }
    return { verdict: 'hopeless', reason: never[0]?.never ?? 'misconfigured' }
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
      if (lastAttempt(view) !== undefined) return { verdict: 'settled', view }
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

/** `held up`: whether the code still lives was told too late, or not at all; nobody was called. */
type Attempted = Called | 'taken by another' | 'held up' | 'unwanted'

/** What a carrier said to a call, and what the fence knows since. */
interface Called {
  readonly outcome: SendOutcome
  readonly after: FenceView
}

/** What a lane that is out leaves to hope for; undefined where it may be called. */
function shutBy(standing: Standing, starts: number): Chance | undefined {
  if (standing === 'barred') return { never: 'misconfigured' }
  return standing === 'away' ? waits(retryDelayMs(starts)) : undefined
}

/** Nobody was called, nor has anything been said against the message. */
const waits = (laterMs: number): Chance => ({ laterMs, waits: true })

/** Said once, it holds for this message and lane. */
const isNever = (result: SendOutcome | undefined): boolean =>
  (result?.outcome === 'not_sent' && result.permanent === true) ||
  (result?.outcome === 'rejected' && result.elsewhere === true)

/** What an outcome leaves to hope for from its lane. */
function chanceOf({ outcome, after: view }: Called, pauseMs: number, { called = true } = {}): Chance {
  const after = called ? { after: view } : {}
  switch (outcome.outcome) {
    case 'accepted':
      return { round: { verdict: 'settled', view } }
    case 'rejected':
      return outcome.elsewhere === true
        ? { never: outcome.reason, recipient: true, ...after }
        : { round: { verdict: 'settled', view } }
    case 'unknown':
      return { round: { verdict: 'again', afterMs: Math.max(lookUpAfterMs, pauseMs) } }
    case 'not_sent':
      return outcome.permanent === true
        ? { never: outcome.reason, ...after }
        : { laterMs: Math.max(outcome.retryAfterMs ?? 0, pauseMs), ...after }
  }
}

const notCalled = {
  outcome: { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'not-called' },
  tookMs: 0,
} as const
