import type { SandboxCarrier } from '@latchkey/contracts/dev/carriers'
import type { FeedEvent } from '@latchkey/contracts/dev/feed'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'

export type Arrival = Extract<FeedEvent, { kind: 'arrived' }>
export type State = Extract<FeedEvent, { kind: 'state' }>['state']
export type Outcome = Extract<FeedEvent, { kind: 'called' }>['outcome']

/** One call to a carrier, as far as it is known. */
export interface Attempt {
  readonly number: number
  readonly lane: string
  readonly startedAt: number
  readonly endedAt?: number
  readonly outcome?: Outcome
  readonly says?: string
  /** What the call came to before the carrier was asked again. */
  readonly first?: Outcome
}

/** What became of one message. */
export interface Story {
  readonly id: string
  readonly at: number
  readonly purpose?: string
  readonly attempts: readonly Attempt[]
  /** When its job said that it comes again, and after how long. */
  readonly waits: readonly { readonly at: number; readonly forMs: number }[]
  readonly state: State
  readonly stateAt: number
  readonly receipt?: { readonly at: number; readonly state: string; readonly says?: string }
  readonly to?: string
}

/** Everything that the page shows. */
export interface View {
  /** Newest first. */
  readonly stories: readonly Story[]
  /** Oldest first, as on a phone. */
  readonly arrived: readonly Arrival[]
  readonly carriers: readonly SandboxCarrier[]
  /** Lanes that the worker keeps messages away from, and why. */
  readonly out: ReadonlyMap<string, 'ill' | 'barred'>
}

export const nothing: View = { stories: [], arrived: [], carriers: [], out: new Map() }

const most = 200
const time = (at: string): number => Date.parse(at)

/** What is known after one more event. Events of one message may come in any order. */
export function tell(view: View, event: FeedEvent): View {
  switch (event.kind) {
    case 'begin':
      return nothing
    case 'carriers':
      return { ...view, carriers: event.carriers }
    case 'lane': {
      const out = new Map(view.out)
      if (event.out) out.set(event.lane, event.why)
      else out.delete(event.lane)
      return { ...view, out }
    }
    case 'arrived':
      return {
        ...change(view, event.messageId, event.at, (story) => ({ ...story, to: event.to })),
        arrived: [...view.arrived, event].slice(-most),
      }
    case 'queued':
      return change(view, event.messageId, event.at, (story) => ({ ...story, purpose: event.purpose }))
    case 'calling':
      return change(view, event.messageId, event.at, (story) =>
        withAttempt(story, { number: event.attempt, lane: event.lane, startedAt: time(event.at) }),
      )
    case 'called': {
      const { attempt, lane, outcome, tookMs, says, at } = event
      const ended = { outcome, endedAt: time(at), first: outcome, ...(says !== undefined && { says }) }
      return change(view, event.messageId, at, (story) =>
        withAttempt(story, { number: attempt, lane, startedAt: time(at) - tookMs, ...ended }),
      )
    }
    case 'again':
      return change(view, event.messageId, event.at, (story) => ({
        ...story,
        waits: [...story.waits, { at: time(event.at), forMs: event.afterMs }],
      }))
    case 'state':
      return change(view, event.messageId, event.at, (story) => {
        const known = event.attempts.reduce(
          (so, { number, provider, outcome, says, startedAt, endedAt }) =>
            withAttempt(so, {
              number,
              lane: provider,
              outcome,
              startedAt: time(startedAt),
              endedAt: time(endedAt),
              ...(says !== undefined && { says }),
            }),
          story,
        )
        return deliveryRanks[event.state] < deliveryRanks[story.state]
          ? known
          : { ...known, state: event.state, stateAt: time(event.at) }
      })
    case 'receipt': {
      const { messageId, state, says, at } = event
      if (messageId === undefined) return view
      const receipt = { at: time(at), state, ...(says !== undefined && { says }) }
      return change(view, messageId, at, (story) => ({ ...story, receipt }))
    }
  }
}

function change(view: View, id: string, at: string, how: (story: Story) => Story): View {
  const known = view.stories.find((story) => story.id === id)
  const fresh: Story = { id, at: time(at), attempts: [], waits: [], state: 'queued', stateAt: time(at) }
  const story = how(known ?? fresh)
  const next = { ...story, at: Math.min(story.at, time(at)) }
  const others = view.stories.filter((each) => each !== known)
  const place = others.findIndex((each) => each.at <= next.at)
  const stories = place === -1 ? [...others, next] : others.toSpliced(place, 0, next)
  return { ...view, stories: stories.slice(0, most) }
}

function withAttempt(story: Story, attempt: Attempt): Story {
  const known = story.attempts.find(({ number }) => number === attempt.number)
  const rest = story.attempts.filter((each) => each !== known)
  // When it began, and what it came to at first, is told by the call itself.
  const kept =
    known === undefined ? {} : { startedAt: known.startedAt, ...(known.endedAt && { endedAt: known.endedAt }) }
  const merged = { ...known, ...attempt, ...kept, ...(known?.first !== undefined && { first: known.first }) }
  return { ...story, attempts: [...rest, merged].toSorted((a, b) => a.number - b.number) }
}

/** Whether no carrier was asked: a lane was played for nobody. */
export const isPlayed = ({ attempts }: Story): boolean =>
  attempts.length > 0 && attempts.every(({ lane }) => lane.startsWith('decoy-'))

/** How a story stands, for its colour. */
export type Tone = 'going' | 'well' | 'ill' | 'open'

export function toneOf({ state }: Story): Tone {
  if (state === 'queued' || state === 'sending') return 'going'
  if (state === 'delivered') return 'well'
  return state === 'accepted' || state === 'unknown' || state === 'unconfirmed' ? 'open' : 'ill'
}
