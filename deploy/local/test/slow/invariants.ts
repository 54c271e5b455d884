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

/**
 * Compares what clients were told, the delivery log and the carrier's own ledger: nothing lost, nothing used twice, nothing
 * sent that should not have been. Waits until everything is decided; says the figures.
 */
export async function checkInvariants(
  t: Test,
  production: Production,
  people: readonly Person[],
  withinMs = 60_000,
): Promise<void> {
  const { sql } = production
  const accepted = people.filter(({ challenge }) => challenge !== undefined)
  const messages = await decidedMessages(production, accepted, withinMs)
  const ledger = groupBy(await production.ledger(), ({ to }) => to)

  const byChallenge = groupBy(messages, ({ challenge_id }) => challenge_id)
  const lost = accepted.filter(({ challenge }) => !decided(byChallenge.get(challenge?.id ?? '')))
  t.same(lost.map(described), [], 'every accepted request has a message whose fate is known')
  t.same(await sql('select * from state_falls'), [], 'states never went down')

  const accepts = people.map((person) => ({ person, taken: ledger.get(person.phone) ?? [] }))
  t.same(
    accepts.filter(({ taken }) => taken.length > 2).map(({ person }) => person.phone),
    [],
    'no message was accepted more than twice',
  )
  t.same(
    accepts.filter(({ taken }) => new Set(taken.map(codeIn)).size > 1).map(({ person }) => person.phone),
    [],
    'whatever was accepted twice said the same code',
  )
  t.same(
    accepts.filter(({ person, taken }) => taken.some((accept) => isLate(accept, person))).map(({ person }) => person),
    [],
    'nothing was sent after its expiry or its use',
  )
  t.same(contradictions(accepted, byChallenge, ledger), [], 'the delivery log agrees with the ledger')
  const sessions = await checkSessions(t, production, people)

  const states = Object.entries(countBy(messages.map(({ state }) => state))).map(([state, n]) => `${state} ${n}`)
  const twice = accepts.filter(({ taken }) => taken.length === 2).length
  const taken = accepts.reduce((sum, { taken }) => sum + taken.length, 0)
  t.comment(
    `${people.length} people, ${accepted.length} accepted requests; log: ${states.join(', ')}; ledger: ${taken} accepts, ` +
      `${twice} messages twice; ${sessions} sessions; told ${toldSummary(people)}`,
  )
}

async function decidedMessages({ sql }: Production, accepted: readonly Person[], withinMs: number) {
  const ids = accepted.map(({ challenge }) => challenge?.id)
  const read = () =>
    sql<MessageRow>('select id, challenge_id, state, rank from sms_messages where challenge_id = any($1)', [ids])
  await eventually(
    'every message to be decided',
    async () => new Set((await read()).filter(isDecided).map(({ challenge_id }) => challenge_id)).size === ids.length,
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

/** At most one account and one session for each challenge; exactly the ones that were told. */
async function checkSessions(t: Test, { sql }: Production, people: readonly Person[]): Promise<number> {
  const rows = await sql<{ phone: string; user_id: string; session_id: string | null }>(
    'select users.phone, users.id as user_id, sessions.id as session_id from users left join sessions on sessions.user_id = users.id where phone = any($1)',
    [people.map(({ phone }) => phone)],
  )
  const byPhone = groupBy(rows, ({ phone }) => phone)
  t.same(
    [...byPhone.values()].filter((found) => found.length > 1),
    [],
    'at most one session per challenge',
  )
  const wrong = people.filter(({ phone, session }) => {
    const [row] = byPhone.get(phone) ?? []
    return session !== undefined && (row?.user_id !== session.userId || row.session_id !== session.id)
  })
  t.same(wrong.map(described), [], 'whoever was told of a session has it')
  const cheated = people.filter(
    ({ phone, told }) => told.at(-1)?.what === 'answer' && told.at(-1)?.status === 410 && !byPhone.has(phone),
  )
  t.same(cheated.map(described), [], 'a code that is gone has had its effect')
  const stuck = people.filter(({ told }) =>
    [0, 429, 503].includes(told.findLast(({ what }) => what === 'answer')?.status ?? 410),
  )
  t.same(stuck.map(described), [], 'nobody was sent away for good with a right code')
  return rows.filter(({ session_id }) => session_id !== null).length
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

function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item])
  return groups
}

const countBy = (items: readonly string[]): Record<string, number> =>
  Object.fromEntries([...groupBy(items, (item) => item)].map(([item, found]) => [item, found.length]))
