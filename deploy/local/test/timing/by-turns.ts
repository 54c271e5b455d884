import { randomInt } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { Test } from 'tap'
import { daySeconds, type Kept, mailboxOf, type Question, questions } from '../dialects/strangers.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'
import { aucOf } from './auc.js'

// Whether anybody could tell by the clock who exists. Known and unknown are asked about in pairs, one call at a time, in an order
// that is tossed for each pair, so that whatever the machine is busy with meets both alike.

const pairs = 1_000
const again = 4
const warmUp = 40
const skewMs = 1

/** Somebody with what was kept of him, behind an address of his own. */
interface Subject {
  readonly who: Person
  readonly by: Client
  kept: Kept
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

/** A thousand people with accounts, made as one and copied: every one with his own phone, e-mail and username, and a second account with a proved e-mail. */
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
  await query(
    `insert into users (id, email, email_verified_at, role, profile, password_hash, active, last_sign_in_at, created_at, updated_at)
     select gen_random_uuid(), given.email, phone_verified_at, role, profile, password_hash, active, last_sign_in_at, created_at, updated_at
     from users, unnest($2::text[]) as given (email) where users.phone = $1`,
    phone,
    people.map(mailboxOf),
  )
  await query('analyze users')
  return people
}

/** Asks the questions of these names, or all, and whatever leads to them: none of their times may tell who is there. */
export async function askByTurns(t: Test, names?: readonly string[]): Promise<void> {
  const here = await world(t, { LOG_LEVEL: 'warn' })
  const subjects = (people: readonly Person[]): Subject[] => people.map((who) => ({ who, by: here.client(), kept: {} }))
  const nobody = () => subjects(Array.from({ length: pairs + warmUp }, randomPerson))
  const sides = [subjects(await accounts(here, pairs + warmUp)), nobody()] as const
  const ask = async (question: Question, of: Parameters<typeof measure>[1], delayMs?: number) => {
    await here.later(question.afterSeconds ?? daySeconds)
    return measure(question, of, delayMs)
  }
  const asked = questions.flatMap(({ asks }, n) => (names === undefined || names.includes(asks) ? [n] : []))
  if (names !== undefined && asked.length !== names.length) throw new Error('there is no such question')

  await t.test('the control: a millisecond more for one of two unknown people is seen', async (t) => {
    const question = questions.find(({ asks }) => asks === '/v1: a code to log in by') as Question
    let skewed = 0
    for (let turn = 0; turn < 3 && !(skewed > 0.55); turn++)
      skewed = judged(t, '', await ask(question, [nobody(), nobody()], skewMs))
    t.ok(skewed > 0.55, `AUC ${skewed}: the machine is too busy to tell a millisecond`)
  })

  for (const [n, question] of questions.entries()) {
    if (!asked.some((one) => startOf(one) <= n && n <= one)) continue
    if (!asked.includes(n)) {
      await ask(question, sides)
      continue
    }
    await t.test(question.asks, async (t) => {
      if (isHidden(judged(t, '', await ask(question, sides)))) return t.pass()
      // Each asks what led here again, a day later each time.
      const more: [number[], number[]] = [[], []]
      for (let turn = 0; turn < again; turn++)
        for (const before of questions.slice(startOf(n), n + 1)) {
          const took = await ask(before, sides)
          if (before === question) took.forEach((ms, which) => more[which]?.push(...ms))
        }
      const surer = judged(t, 'once more: ', more)
      return t.ok(isHidden(surer), `AUC ${surer}`)
    })
  }
}

function judged(t: Test, words: string, took: readonly [readonly number[], readonly number[]]): number {
  const auc = aucOf(...took)
  t.comment(
    `figures: ${words}AUC ${auc.toFixed(3)}, medians ${took.map(medianOf).join(' and ')} ms, ${took[0].length} each`,
  )
  return auc
}

const isHidden = (auc: number): boolean => auc >= 0.45 && auc <= 0.55

/** The question that a question leans on: the last one that begins a day. */
function startOf(n: number): number {
  let at = n
  while (questions[at]?.afterSeconds !== undefined) at -= 1
  return at
}

const medianOf = (ms: readonly number[]): string =>
  ([...ms].sort((one, other) => one - other)[Math.floor(ms.length / 2)] ?? 0).toFixed(2)
