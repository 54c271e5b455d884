import { eventually } from '@latchkey/kit/testing'
import type { Test } from 'tap'
import type { Person } from './load.js'
import { type Accept, codeIn, type Production } from './production.js'

interface MessageRow {
  readonly id: string
  readonly challenge_id: string
  readonly state: string
  readonly rank: number
}

/** `unknown` and better: nothing more is owed to the person. */
const decidedRank = 2
/** From the worker's last look at the challenge to the carrier's clock, on a busy machine. */
const inFlightMs = 1_000

/** What must never be, by the sentence that it breaks: empty lists where all is well. */
type Breaches = Record<string, readonly unknown[]>

/** Whether nothing was lost, nothing used twice, and nothing sent that should not have been; tells the figures. */
export async function checkInvariants(t: Test, production: Production, people: readonly Person[]): Promise<void> {
  const { breaches, figures } = await findBreaches(production, people)
  for (const [sentence, found] of Object.entries(breaches)) t.same(found, [], sentence)
  t.comment(`figures: ${figures}`)
}

/** Compares what clients were told, the delivery log and the carrier's own ledger, once everything is decided. */
export async function findBreaches(
  production: Production,
  people: readonly Person[],
  withinMs = 60_000,
): Promise<{ breaches: Breaches; figures: string }> {
  const accepted = people.filter(({ challenge }) => challenge !== undefined)
  const messages = await decidedMessages(production, accepted, withinMs)
  const byChallenge = groupBy(messages, ({ challenge_id }) => challenge_id)
  const ledger = groupBy(await production.ledger(), ({ to }) => to)
  const taken = people.map((person) => ({ person, accepts: ledger.get(person.phone) ?? [] }))
  const whose = (wrong: (accepts: readonly Accept[], person: Person) => boolean) =>
    taken.filter(({ accepts, person }) => wrong(accepts, person)).map(({ person }) => described(person))
  const sessions = await findSessions(production, people)

  const breaches: Breaches = {
    'every accepted request has a message whose fate is known': accepted
      .filter(({ challenge }) => !decided(byChallenge.get(challenge?.id ?? '')))
      .map(described),
    'states never went down': await production.sql('select * from state_falls'),
    'no message was accepted more than twice': whose((accepts) => accepts.length > 2),
    'whatever was accepted twice said the same code': whose((accepts) => new Set(accepts.map(codeIn)).size > 1),
    'nothing was sent after its expiry or its use': whose((accepts, person) =>
      accepts.some((accept) => isLate(accept, person)),
    ),
    'the delivery log agrees with the ledger': contradictions(accepted, byChallenge, ledger),
    ...sessionBreaches(people, sessions),
  }
  return { breaches, figures: figuresOf(people, accepted.length, messages, taken, sessions.length) }
}

function figuresOf(
  people: readonly Person[],
  accepted: number,
  messages: readonly MessageRow[],
  taken: readonly { accepts: readonly Accept[] }[],
  sessions: number,
): string {
  const states = Object.entries(countBy(messages.map(({ state }) => state))).map(([state, n]) => `${state} ${n}`)
  const accepts = taken.reduce((sum, { accepts: each }) => sum + each.length, 0)
  const twice = taken.filter(({ accepts: each }) => each.length === 2).length
  return (
    `${people.length} people, ${accepted} accepted requests; log: ${states.join(', ')}; ledger: ${accepts} accepts, ` +
    `${twice} messages twice; ${sessions} sessions; told ${toldSummary(people)}`
  )
}

async function decidedMessages({ sql }: Production, accepted: readonly Person[], withinMs: number) {
  const ids = accepted.map(({ challenge }) => challenge?.id)
  const read = () =>
    sql<MessageRow>('select id, challenge_id, state, rank from sms_messages where challenge_id = any($1)', [ids])
  await eventually(
    'every message to be decided',
    async () => {
      const found = await read()
      return found.every(isDecided) && new Set(found.map(({ challenge_id }) => challenge_id)).size === ids.length
    },
    withinMs,
  ).catch(() => undefined)
  return read()
}

const isDecided = ({ rank }: MessageRow) => rank >= decidedRank
const decided = (messages: readonly MessageRow[] = []) => messages.length > 0 && messages.every(isDecided)

function isLate({ at }: Accept, { challenge, session }: Person): boolean {
  const until = Math.min(challenge === undefined ? Infinity : Date.parse(challenge.expiresAt), session?.at ?? Infinity)
  return Date.parse(at) > until + inFlightMs
}

/** Messages of which the log says something else than the carrier. `unknown` is no claim. */
function contradictions(
  accepted: readonly Person[],
  byChallenge: ReadonlyMap<string, readonly MessageRow[]>,
  ledger: ReadonlyMap<string, readonly Accept[]>,
): unknown[] {
  return accepted.flatMap(({ phone, challenge }) => {
    const states = (byChallenge.get(challenge?.id ?? '') ?? []).map(({ state }) => state)
    const taken = ledger.get(phone)?.length ?? 0
    const saysTaken = states.some((state) => ['accepted', 'delivered', 'undelivered', 'unconfirmed'].includes(state))
    const saysNothing = states.every((state) => !saysTaken && state !== 'unknown')
    return (saysTaken && taken === 0) || (saysNothing && taken > 0) ? [{ phone, states, taken }] : []
  })
}

interface SessionRow {
  readonly phone: string
  readonly user_id: string
  readonly session_id: string
}

const findSessions = ({ sql }: Production, people: readonly Person[]) =>
  sql<SessionRow>(
    'select users.phone, users.id as user_id, sessions.id as session_id from users join sessions on sessions.user_id = users.id where phone = any($1)',
    [people.map(({ phone }) => phone)],
  )

/** At most one session for each challenge, and exactly those that were told or whose code is gone. */
function sessionBreaches(people: readonly Person[], sessions: readonly SessionRow[]): Breaches {
  const byPhone = groupBy(sessions, ({ phone }) => phone)
  const lastAnswer = ({ told }: Person) => told.findLast(({ what }) => what === 'answer')?.status
  const whoever = (wrong: (person: Person, row: SessionRow | undefined) => boolean) =>
    people.filter((person) => wrong(person, byPhone.get(person.phone)?.[0])).map(described)
  return {
    'at most one session per challenge': [...byPhone.values()].filter((found) => found.length > 1),
    'whoever was told of a session has it': whoever(
      ({ session }, row) => session !== undefined && (row?.user_id !== session.userId || row.session_id !== session.id),
    ),
    'a code that is gone has had its effect': whoever((person, row) => lastAnswer(person) === 410 && row === undefined),
    'nobody was sent away for good with a right code': whoever((person) =>
      [0, 429, 503].includes(lastAnswer(person) ?? 410),
    ),
  }
}

const described = ({ phone, challenge, told }: Person) => ({
  phone,
  challenge: challenge?.id,
  told: told.map(({ what, status, startedAt }) => `${new Date(startedAt).toISOString()} ${what} ${status}`),
})

function toldSummary(people: readonly Person[]): string {
  const counts = countBy(people.flatMap(({ told }) => told.map(({ what, status }) => `${what} ${status}`)))
  return Object.entries(counts)
    .sort()
    .map(([what, count]) => `${what} × ${count}`)
    .join(', ')
}

/** Items by what they have in common, in the order in which they come. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}

const countBy = (items: readonly string[]): Record<string, number> =>
  Object.fromEntries([...groupBy(items, (item) => item)].map(([item, found]) => [item, found.length]))
