import { makeKey, type RingName } from './keys.js'

/** What became of the keys of a ring: nobody can tell it from the ring itself. Holds no secret. */
export interface RingHistory {
  /** Verifies and opens everywhere, and is to sign and seal next. */
  readonly waiting?: { readonly id: string; readonly since: string }
  /** When each old key was replaced. */
  readonly replaced?: Readonly<Record<string, string>>
}

export interface Ring {
  readonly name: RingName
  /** `id:base64,id:base64`, the one that signs first. */
  readonly text: string
  readonly history: RingHistory
}

const dayMs = 24 * 3_600_000

/** How long after its replacement something of a key may still be alive: the longest life of what it signs or seals. */
export const livesMs: Readonly<Record<RingName, number>> = {
  // Access tokens of documented APIs live for a week.
  ACCESS_TOKEN_KEYS: 8 * dayMs,
  // Device tokens.
  TOKEN_KEYS: 181 * dayMs,
  SEAL_KEYS: dayMs,
  CODE_KEYS: dayMs,
}

/** How long a new key waits at least: back ends keep what /.well-known/jwks.json told them for five minutes, and services have to be restarted. */
export const shortestWaitMs = 10 * 60_000

const idOf = (entry: string) => entry.slice(0, entry.indexOf(':'))
const entriesOf = ({ text }: Ring) => text.split(',')

/** What a turn came to. */
export type Turn =
  | { readonly kind: 'added' | 'promoted'; readonly ring: Ring; readonly id: string }
  | { readonly kind: 'too_early'; readonly since: Date }

/**
 * The next half of a rotation. The first adds a key that only verifies and opens, so that a service that has not been restarted
 * yet meets nothing it cannot read; the second lets it sign and seal.
 */
export function turn(ring: Ring, at: Date, { now = false } = {}): Turn {
  const { name, history } = ring
  const [first = '', ...rest] = entriesOf(ring)
  const { waiting } = history
  const next = rest.find((entry) => idOf(entry) === waiting?.id)
  if (waiting === undefined || next === undefined) {
    const made = makeKey(name)
    const replaced = history.replaced ?? {}
    const added = { name, text: [first, made, ...rest].join(','), history: { waiting: waits(made, at), replaced } }
    return { kind: 'added', ring: added, id: idOf(made) }
  }
  const since = new Date(waiting.since)
  if (!now && at.getTime() - since.getTime() < shortestWaitMs) return { kind: 'too_early', since }
  const others = rest.filter((entry) => entry !== next)
  const replaced = { ...history.replaced, [idOf(first)]: at.toISOString() }
  return {
    kind: 'promoted',
    ring: { name, text: [next, first, ...others].join(','), history: { replaced } },
    id: waiting.id,
  }
}

const waits = (entry: string, at: Date) => ({ id: idOf(entry), since: at.toISOString() })

/** Takes out old keys of which nothing is alive any more; with `now` all old ones. The key that signs and one that waits stay. */
export function prune(ring: Ring, at: Date, { now = false } = {}): { readonly ring: Ring; readonly removed: string[] } {
  const [first = '', ...rest] = entriesOf(ring)
  const isOver = (entry: string) => {
    const end = aliveUntil(ring, idOf(entry))
    return now || (end !== undefined && end <= at)
  }
  const removed = rest.filter((entry) => idOf(entry) !== ring.history.waiting?.id && isOver(entry)).map(idOf)
  const replaced = Object.fromEntries(
    Object.entries(ring.history.replaced ?? {}).filter(([id]) => !removed.includes(id)),
  )
  const text = [first, ...rest.filter((entry) => !removed.includes(idOf(entry)))].join(',')
  return { ring: { ...ring, text, history: { ...ring.history, replaced } }, removed }
}

/** One line for each key of a ring, and nothing secret. */
export function describeRing(ring: Ring): string[] {
  return entriesOf(ring).map((entry, place) => {
    const id = idOf(entry)
    if (place === 0) return `${id}  signs`
    if (id === ring.history.waiting?.id) return `${id}  waits since ${ring.history.waiting.since}`
    const until = aliveUntil(ring, id)?.toISOString() ?? 'nobody knows: put there by hand'
    return `${id}  verifies, needed until ${until}`
  })
}

function aliveUntil({ name, history }: Ring, id: string): Date | undefined {
  const replacedAt = history.replaced?.[id]
  return replacedAt === undefined ? undefined : new Date(Date.parse(replacedAt) + livesMs[name])
}
