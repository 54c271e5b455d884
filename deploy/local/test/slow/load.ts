import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { type Answer, randomPhone } from '../journey/journey.js'
import type { Production } from './production.js'

/** One call as its caller saw it. */
interface Told {
  readonly what: 'sign-up' | 'answer'
  readonly startedAt: number
  readonly tookMs: number
  /** 0 where the connection broke. */
  readonly status: number
}

/** Someone who signs up, and all that he was told. */
export interface Person {
  readonly phone: string
  readonly told: Told[]
  /** Of the sign-up that was accepted. */
  challenge?: { readonly id: string; readonly expiresAt: string }
  /** Of the answer that was accepted. */
  session?: { readonly id: string; readonly userId: string; readonly at: number }
}

export interface Load {
  readonly people: readonly Person[]
  /** Lets nobody new come, and waits until everyone has been answered for good. */
  stop(): Promise<void>
}

interface Pace {
  readonly perSecond: number
  /** How long people type their code again while the service says 503. */
  readonly patienceMs?: number
}

/** People come at their own pace, however slowly they are served: sign up, wait for the code, answer. */
export function startLoad(on: Pick<Production, 'call' | 'codeFor'>, { perSecond, patienceMs = 60_000 }: Pace): Load {
  const people: Person[] = []
  const lives: Promise<void>[] = []
  const timer = setInterval(() => {
    const person: Person = { phone: randomPhone(), told: [] }
    people.push(person)
    lives.push(live(on, person, patienceMs))
  }, 1_000 / perSecond)
  return {
    people,
    async stop() {
      clearInterval(timer)
      await Promise.all(lives)
    },
  }
}

/** People find the SMS, read and type: so some have a code in hand whenever something breaks. */
const longestTypingMs = 3_000

async function live({ call, codeFor }: Parameters<typeof startLoad>[0], person: Person, patienceMs: number) {
  const { phone } = person
  const { status, body } = await timed(person, 'sign-up', () => call('POST', '/v1/signup', { phone }))
  if (status !== 202) return
  person.challenge = body.challenge
  const code = await codeFor(phone, 60_000).catch(() => undefined)
  if (code === undefined) return
  await sleep(randomInt(longestTypingMs))
  const end = performance.now() + patienceMs
  do {
    const answer = await timed(person, 'answer', () =>
      call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code }),
    )
    if (answer.status === 201) {
      person.session = { id: answer.body.session.id, userId: answer.body.user.id, at: Date.now() }
      return
    }
    if (![0, 429, 503].includes(answer.status)) return
    await sleep(1_000)
  } while (performance.now() < end)
}

async function timed(person: Person, what: Told['what'], ask: () => Promise<Answer>): Promise<Answer> {
  const startedAt = Date.now()
  const from = performance.now()
  const answer = await ask().catch(() => ({ status: 0, headers: {}, body: null }))
  person.told.push({ what, startedAt, tookMs: performance.now() - from, status: answer.status })
  return answer
}

/** Everything that was told between two moments. */
export const toldBetween = (people: readonly Person[], from: number, to: number): Told[] =>
  people.flatMap(({ told }) => told).filter(({ startedAt }) => startedAt >= from && startedAt < to)

/** Whatever was told since a moment is an answer that was promised, and came in time. */
export function answeredInTime(t: Test, people: readonly Person[], from: number): void {
  const told = toldBetween(people, from, Infinity)
  const slowest = Math.max(...told.map(({ tookMs }) => tookMs))
  t.ok(slowest < 2_000, `the slowest answer took ${slowest.toFixed(0)} ms`)
  t.same(
    told.filter(({ status }) => ![201, 202, 410, 429, 503].includes(status)),
    [],
    'all were answered as promised',
  )
  t.comment(
    `${told.length} calls, ${told.filter(({ status }) => status === 503).length} told 503, slowest ${slowest.toFixed(0)} ms`,
  )
}
