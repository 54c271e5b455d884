import { eventually } from '@latchkey/kit/testing'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../src/migrations/index.js'
import { blank, createDatabase, harness, newChallengeId, newPhone, type Reply, sql } from './harness.js'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'

async function unavailableInTime(t: Test, what: string, ask: () => Promise<Reply>): Promise<void> {
  const start = Date.now()
  const reply = await ask()
  t.match(reply, { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': /\d/ } }, what)
  t.ok(Date.now() - start < 2_000, `${what}: ${Date.now() - start} ms`)
}

const signUpBody = () => ({ challengeId: newChallengeId(), face: 'v1', account: { ...blank, phone: newPhone() } })

t.test('a locked table is answered with 503 in time, and nothing is consumed', async (t) => {
  const { call, signUp, person, refresh, databaseUrl, db } = await harness(t)
  const { session } = await signUp()
  const locker = new Client({ connectionString: databaseUrl })
  await locker.connect()
  t.teardown(() => locker.end())
  await locker.query('begin')
  await locker.query('lock table users, sessions in access exclusive mode')
  const body = signUpBody()
  await unavailableInTime(t, 'person', () => person(session.id))
  await unavailableInTime(t, 'refresh', () => refresh(session.refreshToken))
  await unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', body))
  await locker.query('rollback')
  t.match(await person(session.id), { status: 200 })
  t.match(await refresh(session.refreshToken), { status: 200 })
  t.match(await call('POST', '/sign-ups', body), { status: 201 })
  const made = await db.selectFrom('users').select('id').where('phone', '=', body.account.phone).execute()
  t.equal(made.length, 1)
})

t.test('when every connection is busy the next request is told so in time', async (t) => {
  const { person, signUp, db } = await harness(t, { connections: 1 })
  const { session } = await signUp()
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const holding = db.connection().execute(() => held)
  await unavailableInTime(t, 'person', () => person(session.id))
  release()
  await holding
  t.match(await person(session.id), { status: 200 })
})

t.test(
  'a network that goes silent is answered with 503 in time; afterwards no request inherits a half transaction',
  async (t) => {
    const direct = await createDatabase(t)
    await migrate(direct)
    const proxy = await startProxy(addressOf(direct, 5432))
    t.teardown(() => proxy.close())
    const { call, person, signUp } = await harness(t, { url: through(direct, proxy.port), connections: 2 })
    const { session } = await signUp()
    const bodies = Array.from({ length: 6 }, signUpBody)
    proxy.freeze()
    await Promise.all([
      ...bodies.map((body) => unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', body))),
      ...bodies.map(() => unavailableInTime(t, 'person', () => person(session.id))),
    ])
    proxy.thaw()
    await eventually('the service to recover', async () => (await person(session.id)).status === 200)
    for (const body of bodies) {
      const { status } = await call('POST', '/sign-ups', body)
      t.ok(status === 201 || status === 410, `${status}`)
    }
    const [counts] = await sql(
      direct,
      'select (select count(*) from users) as users, (select count(*) from consumed_challenges) as used, (select count(*) from sessions) as sessions',
    )
    t.same(counts, { users: '7', used: '7', sessions: '7' })
  },
)

t.test('a transaction that the network cut in half is gone, and its connection with it', async (t) => {
  const direct = await createDatabase(t)
  await migrate(direct)
  const proxy = await startProxy(addressOf(direct, 5432))
  t.teardown(() => proxy.close())
  const { db } = await harness(t, { url: through(direct, proxy.port), connections: 1 })
  const insert = (on: typeof db) => {
    const challengeId = newChallengeId()
    return on
      .insertInto('consumed_challenges')
      .values({ challenge_id: challengeId, consumed_at: new Date() })
      .execute()
      .then(() => challengeId)
  }
  const start = Date.now()
  const half = db.transaction().execute(async (trx) => {
    await insert(trx)
    proxy.freeze()
    await insert(trx)
  })
  await t.rejects(half, { code: 'unavailable', effect: 'unknown' })
  t.ok(Date.now() - start < 1_800, 'without waiting for a rollback that cannot come through')
  proxy.thaw()
  const whole = await eventually('the pool to recover', () => insert(db).catch(() => undefined))
  t.same(await sql(direct, 'select challenge_id from consumed_challenges'), [{ challenge_id: whole }])
})

t.test('a Postgres that is gone is answered with 503 at once, and found again when it is back', async (t) => {
  const direct = await createDatabase(t)
  await migrate(direct)
  const proxy = await startProxy(addressOf(direct, 5432))
  t.teardown(() => proxy.close())
  const { person, signUp, call } = await harness(t, { url: through(direct, proxy.port) })
  const { session } = await signUp()
  await proxy.cut()
  await unavailableInTime(t, 'person', () => person(session.id))
  await unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', signUpBody()))
  await proxy.mend()
  t.match(await person(session.id), { status: 200 })
})

t.test('a connection that Postgres ends in the middle is answered with 503, and the next one works', async (t) => {
  const { person, signUp, databaseUrl } = await harness(t, { connections: 1 })
  const { session } = await signUp()
  await sql(
    databaseUrl,
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  await eventually('a request to work again', async () => {
    const { status } = await person(session.id)
    t.ok(status === 200 || status === 503, `${status}`)
    return status === 200
  })
})
