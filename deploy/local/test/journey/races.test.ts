import pg from 'pg'
import t from 'tap'
import { type Answer, codeFromInbox, journey, newPerson, password, patient, randomPhone } from './journey.js'

const atOnce = <T>(count: number, call: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)))
const tally = (statuses: readonly { status: number }[]) =>
  statuses.reduce<Record<number, number>>((sum, { status }) => ({ ...sum, [status]: (sum[status] ?? 0) + 1 }), {})

interface Race {
  readonly answers: readonly Answer[]
}

/** A race in which nobody was told to come again: a machine without time for all of them shows none, and other people run another. */
async function untilAllRan<R extends Race>(race: () => Promise<R>): Promise<R> {
  for (let runs = 1; runs <= 5; runs++) {
    const ran = await race()
    if (ran.answers.every(({ status }) => status !== 503)) return ran
  }
  throw new Error('the machine is too busy for a race')
}

t.test('races', async (t) => {
  const { stack, call: once, inbox } = await journey(t)
  const call = patient(once)
  const database = new pg.Client(stack.databaseUrl)
  await database.connect()
  t.teardown(() => database.end())
  const count = async (sql: string, ...values: unknown[]) =>
    Number((await database.query<{ n: string }>(sql, values)).rows[0]?.n)

  t.test('two hundred parallel wrong answers: exactly five are compared, and 4 … 0 are told once each', async (t) => {
    const { answers } = await untilAllRan(async () => {
      const { body } = await call('POST', '/v1/signup', { phone: randomPhone() })
      const told = await atOnce(200, () =>
        once('POST', `/v1/challenges/${body.challenge.id}/answer`, { code: '000001' }),
      )
      t.ok((tally(told)[400] ?? 0) <= 5)
      return { answers: told }
    })
    t.same(tally(answers), { 400: 5, 410: 195 })
    t.same(answers.flatMap((answer) => answer.body.attemptsLeft ?? []).sort(), [0, 1, 2, 3, 4])
  })

  t.test('two hundred parallel right answers: one session, one user', async (t) => {
    const users = 'select count(*) n from users where phone = $1'
    const sessions = 'select count(*) n from sessions s join users u on u.id = s.user_id where u.phone = $1'
    const { answers, phone } = await untilAllRan(async () => {
      const phone = randomPhone()
      const { body } = await call('POST', '/v1/signup', { phone, password })
      const code = await codeFromInbox(call, phone)
      const answers = await atOnce(200, () => once('POST', `/v1/challenges/${body.challenge.id}/answer`, { code }))
      for (const sql of [users, sessions]) t.ok((await count(sql, phone)) <= 1)
      return { answers, phone }
    })
    t.equal(tally(answers)[201], 1)
    t.equal(
      answers.filter(({ status }) => status === 201 || status === 410 || status === 429).length,
      200,
      JSON.stringify(tally(answers)),
    )
    t.equal(await count(users, phone), 1)
    t.equal(await count(sessions, phone), 1)
  })

  t.test('two proofs of one number at once: one account, the other is told that it exists', async (t) => {
    const { answers } = await untilAllRan(async () => {
      const phone = randomPhone()
      const first = await call('POST', '/v1/signup', { phone })
      await codeFromInbox(call, phone, 1)
      await call('PUT', '/dev/clock', { offsetMs: 31_000 })
      const second = await call('POST', '/v1/signup', { phone })
      await call('PUT', '/dev/clock', { offsetMs: 0 })
      await codeFromInbox(call, phone, 2)
      const codes = (await inbox(phone)).map(({ code }) => code)
      return {
        answers: await Promise.all([
          once('POST', `/v1/challenges/${first.body.challenge.id}/answer`, { code: codes[1] }),
          once('POST', `/v1/challenges/${second.body.challenge.id}/answer`, { code: codes[0] }),
        ]),
      }
    })
    t.same(tally(answers), { 201: 1, 409: 1 })
    t.match(answers.find(({ status }) => status === 409)?.body, { code: 'account.exists' })
  })

  t.test('a hundred parallel refreshes: all succeed, with one successor', async (t) => {
    const { session } = await newPerson(call)
    const answers = await atOnce(100, () => call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken }))
    t.same(tally(answers), { 200: 100 })
    t.equal(new Set(answers.map(({ body }) => body.session.refreshToken)).size, 1)
    const successor = answers[0]?.body.session.refreshToken
    const next = await call('POST', '/v1/token/refresh', { refreshToken: successor })
    t.equal(next.status, 200)
    t.match(
      await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken }),
      { status: 401 },
      'two generations back ends the family',
    )
    t.match(
      await call('POST', '/v1/token/refresh', { refreshToken: next.body.session.refreshToken }),
      { status: 401 },
      'for its newest token too',
    )
    t.match(await call('GET', '/v1/me', undefined, next.body.session.accessToken), { status: 401 })
  })

  t.test(
    'fifty parallel resends at the end of the cooldown: one is accepted, one more SMS goes out, with the same code',
    async (t) => {
      const { answers, before, code, phone } = await untilAllRan(async () => {
        const phone = randomPhone()
        const { body } = await call('POST', '/v1/signup', { phone })
        const code = await codeFromInbox(call, phone)
        const { challenge: before } = body
        const resend = `/v1/challenges/${before.id}/resend`
        const early = await call('POST', resend)
        t.match(early, { status: 429, body: { code: 'rate.limited', retryAt: before.resendAt } })
        const leftSeconds = (Date.parse(before.resendAt) - Date.now()) / 1_000
        t.ok(Math.abs(Number(early.headers['retry-after']) - leftSeconds) < 3, `${leftSeconds} s are left`)
        await call('POST', `/v1/challenges/${before.id}/answer`, { code: '000001' })
        await call('PUT', '/dev/clock', { offsetMs: 30_000 })
        const answers = await atOnce(50, () => once('POST', resend))
        await call('PUT', '/dev/clock', { offsetMs: 0 })
        t.ok((tally(answers)[202] ?? 0) <= 1)
        return { answers, before, code, phone }
      })
      t.same(tally(answers), { 202: 1, 429: 49 })
      t.match(
        answers.find(({ status }) => status === 202)?.body.challenge,
        { expiresAt: before.expiresAt, attemptsLeft: 4, resendsLeft: 3 },
        'no wrong answer is refunded',
      )
      t.equal(await codeFromInbox(call, phone, 2), code)
      t.equal((await inbox(phone)).length, 2)
    },
  )
})
