import { randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import t from 'tap'
import { daySeconds, type Kept, type Question, questions } from '../dialects/strangers.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'
import { aucOf } from './auc.js'

// Whether anybody could tell by the clock who exists. Known and unknown are asked about in pairs, one call at a time, in an order
// that is tossed for each pair, so that whatever the machine is busy with meets both alike.

const pairs = 1_000
const warmUp = 40
const skewMs = 1

/** Somebody with what was kept of him, behind an address of his own. */
interface Subject {
  readonly who: Person
  readonly by: Client
  kept: Kept
}

const limits = {
  EXEMPT_CLIENTS: '127.0.0.0/8,2001:db8::/32',
  LOG_LEVEL: 'warn',
}

async function timed(question: Question, { who, by, kept }: Subject, delayMs = 0): Promise<number> {
  const began = performance.now()
  await question.ask(by, who, kept)
  const until = performance.now() + delayMs
  // Not a timer: those are late by a millisecond themselves.
  while (delayMs > 0 && performance.now() < until);
  return performance.now() - began
}

/** How long a question took of each kind, pair by pair. */
async function measure(
  question: Question,
  [known, unknown]: readonly [readonly Subject[], readonly Subject[]],
  delayMs = 0,
): Promise<readonly [number[], number[]]> {
  const took: [number[], number[]] = [[], []]
  for (let n = 0; n < known.length; n++) {
    const first = randomInt(2)
    const pair = [known[n], unknown[n]] as const
    for (const which of [first, 1 - first] as const) {
      const ms = await timed(question, pair[which] as Subject, which === 0 ? delayMs : 0)
      if (n >= warmUp) took[which]?.push(ms)
    }
  }
  return took
}

/** A thousand people with accounts, made as one and copied: every one with his own phone, e-mail and username. */
async function accounts({ client, code, query }: World, count: number): Promise<Person[]> {
  const [by, first] = [client(), randomPerson()]
  const { phone, email, username, password } = first
  const started = await by.call('POST', '/v1/signup', { phone, email, username, password })
  await by.call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code: await code(phone) })
  const people = Array.from({ length: count }, randomPerson)
  const column = (name: 'phone' | 'email' | 'username') => people.map((person) => person[name])
  await query(
    `insert into users (id, phone, phone_verified_at, email, username, role, profile, password_hash, active, last_sign_in_at, created_at, updated_at)
     select gen_random_uuid(), given.phone, phone_verified_at, given.email, given.username, role, profile, password_hash, active, last_sign_in_at,
       created_at, updated_at
     from users, unnest($2::text[], $3::text[], $4::text[]) as given (phone, email, username) where users.phone = $1`,
    phone,
    column('phone'),
    column('email'),
    column('username'),
  )
  await query('analyze users')
  return people
}

t.test('nobody learns by the clock who exists', async (t) => {
  const here = await world(t, limits)
  const subjects = (people: readonly Person[]): Subject[] => people.map((who) => ({ who, by: here.client(), kept: {} }))
  const sides = [
    subjects(await accounts(here, pairs + warmUp)),
    subjects(Array.from({ length: pairs + warmUp }, randomPerson)),
  ] as const
  const others = [
    subjects(sides[1].map(({ who }) => who)),
    subjects(Array.from({ length: pairs + warmUp }, randomPerson)),
  ] as const

  const round = async ({ afterSeconds = daySeconds }: Question) => here.later(afterSeconds)

  await t.test(
    'the control: a millisecond more for one of two unknown people is seen, and nothing is seen without',
    async (t) => {
      const question = questions.find(({ asks }) => asks === '/v1: a code to log in by') as Question
      await round(question)
      const took = await measure(question, others, skewMs)
      const skewed = aucOf(...took)
      t.comment(`AUC ${skewed.toFixed(3)}, medians ${took.map(medianOf).join(' and ')} ms`)
      t.ok(skewed > 0.55, `AUC ${skewed}`)
    },
  )

  for (const [n, question] of questions.entries())
    await t.test(question.asks, async (t) => {
      await round(question)
      const took = await measure(question, sides)
      const auc = aucOf(...took)
      t.comment(`AUC ${auc.toFixed(3)}, medians ${took.map(medianOf).join(' and ')} ms`)
      if (isHidden(auc)) {
        t.pass()
        return
      }
      // Once more, with four thousand: each asks what led here again, a day later each time.
      const again: [number[], number[]] = [[], []]
      for (let turn = 0; turn < 4; turn++)
        for (const before of questions.slice(startOf(n), n + 1)) {
          await round(before)
          const more = await measure(before, sides)
          if (before === question) more.forEach((ms, which) => again[which]?.push(...ms))
        }
      const surer = aucOf(...again)
      t.comment(`once more: AUC ${surer.toFixed(3)}, medians ${again.map(medianOf).join(' and ')} ms`)
      t.ok(isHidden(surer), `AUC ${surer}`)
    })
})

const isHidden = (auc: number): boolean => auc >= 0.45 && auc <= 0.55

/** The question that a question leans on: the last one that begins a day. */
function startOf(n: number): number {
  let at = n
  while (questions[at]?.afterSeconds !== undefined) at -= 1
  return at
}

const medianOf = (ms: readonly number[]): string =>
  ([...ms].sort((one, other) => one - other)[Math.floor(ms.length / 2)] ?? 0).toFixed(2)
