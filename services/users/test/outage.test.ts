import { inspect } from 'node:util'
import { eventually } from '@latchkey/kit/testing'
import { sql as rawSql } from 'kysely'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import { migrate } from '../src/migrations/index.js'
import { blank, createDatabase, harness, newChallengeId, newPhone, type Reply, sql } from './harness.js'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'

async function unavailableInTime(
  t: Test,
  what: string,
  ask: () => Promise<Reply>,
  effect?: 'none' | 'unknown',
): Promise<void> {
  const start = Date.now()
  const reply = await ask()
  t.match(reply, { status: 503, body: { code: 'unavailable' }, headers: { 'retry-after': /\d/ } }, what)
  t.ok(Date.now() - start < 2_000, `${what}: ${Date.now() - start} ms`)
  if (effect !== undefined) t.equal(reply.body['effect'], effect, `${what}: what it left`)
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
  await unavailableInTime(t, 'refresh', () => refresh(session.refreshToken), 'none')
  await unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', body), 'none')
  await locker.query('rollback')
  t.match(await person(session.id), { status: 200 })
  t.match(await refresh(session.refreshToken), { status: 200 })
  t.match(await call('POST', '/sign-ups', body), { status: 201 })
  const made = await db.selectFrom('users').select('id').where('phone', '=', body.account.phone).execute()
  t.equal(made.length, 1)
})

t.test('when every connection is busy the next request is told so in time', async (t) => {
  const { person, refresh, call, signUp, db } = await harness(t, { connections: 1 })
  const { session } = await signUp()
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const holding = db.connection().execute(() => held)
  const body = signUpBody()
  await Promise.all([
    unavailableInTime(t, 'person', () => person(session.id), 'none'),
    unavailableInTime(t, 'refresh', () => refresh(session.refreshToken), 'none'),
    unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', body), 'none'),
  ])
  release()
  await holding
  t.match(await person(session.id), { status: 200 })
  t.match(await call('POST', '/sign-ups', body), { status: 201 })
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

/** A database behind a door, and how to use a challenge up in it by hand. */
async function behindDoor(t: Test) {
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
  return { direct, proxy, db, insert, used: () => sql(direct, 'select challenge_id from consumed_challenges') }
}

t.test('a transaction that the network cut in half is gone, and its connection with it', async (t) => {
  const { proxy, db, insert, used } = await behindDoor(t)
  const start = Date.now()
  const half = db.transaction().execute(async (trx) => {
    await insert(trx)
    proxy.freeze()
    await insert(trx)
  })
  await t.rejects(half, { code: 'unavailable', effect: 'none' })
  t.ok(Date.now() - start < 1_800, 'without waiting for a rollback that cannot come through')
  proxy.thaw()
  const whole = await eventually('the pool to recover', () => insert(db).catch(() => undefined))
  t.same(await used(), [{ challenge_id: whole }])
})

t.test('of a commit that nobody heard of, and of a statement that commits itself, the effect is unknown', async (t) => {
  const { proxy, db, insert } = await behindDoor(t)
  await insert(db)
  const committing = db.transaction().execute(async (trx) => {
    await insert(trx)
    proxy.freeze()
  })
  await t.rejects(committing, { code: 'unavailable', effect: 'unknown' })
  proxy.thaw()
  await eventually('the pool to recover', () => insert(db).catch(() => undefined))
  proxy.freeze()
  await t.rejects(insert(db), { code: 'unavailable', effect: 'unknown' })
})

t.test('what comes again is planned once a connection; lists, which come in every length, are not kept', async (t) => {
  const { db } = await harness(t, { connections: 1 })
  const find = (ids: readonly string[]) =>
    db
      .selectFrom('consumed_challenges')
      .selectAll()
      .where('challenge_id', 'in', [...ids])
      .execute()
  const ids = Array.from({ length: 41 }, newChallengeId)
  for (let turn = 0; turn < 3; turn += 1) await Promise.all([find(ids.slice(0, 2)), find(ids)])
  const kept = await rawSql<{ parameters: string; times: string }>`select cardinality(parameter_types) as parameters,
    generic_plans + custom_plans as times from pg_prepared_statements where statement like '%consumed_challenges%'`.execute(
    db,
  )
  t.same(kept.rows, [{ parameters: 2, times: '3' }])
})

t.test('a column that a newer release adds costs nobody an answer', async (t) => {
  const url = await createDatabase(t)
  await migrate(url)
  const { person, signUp, refresh, db } = await harness(t, { url, connections: 1 })
  const { session } = await signUp()
  const words = () => db.selectFrom('opt_outs').selectAll().where('number', '=', 'x').execute()
  await Promise.all([person(session.id), words()])
  for (const table of ['users', 'sessions', 'opt_outs']) await sql(url, `alter table ${table} add column later text`)
  t.match(await person(session.id), { status: 200 })
  t.match(await refresh(session.refreshToken), { status: 200 })
  await signUp()
  // Where all columns are asked for the plan fits no more: said once, with nothing done, and planned anew.
  await t.rejects(words(), { code: 'unavailable', effect: 'none' })
  t.same(await words(), [])
})

t.test('of a commit that ends with its server process the effect is unknown', async (t) => {
  const { direct, db, insert } = await behindDoor(t)
  await sql(
    direct,
    `create function leave() returns trigger language plpgsql as $$
      begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$;
    create constraint trigger leaving after insert on consumed_challenges
      deferrable initially deferred for each row execute function leave()`,
  )
  const ends = { code: 'unavailable', effect: 'unknown' }
  await t.rejects(
    db.transaction().execute((trx) => insert(trx)),
    ends,
    'a transaction',
  )
  await t.rejects(insert(db), ends, 'a statement')
})

t.test('a Postgres that is gone is answered with 503 at once, and found again when it is back', async (t) => {
  const direct = await createDatabase(t)
  await migrate(direct)
  const proxy = await startProxy(addressOf(direct, 5432))
  t.teardown(() => proxy.close())
  const { person, signUp, call } = await harness(t, { url: through(direct, proxy.port) })
  const { session } = await signUp()
  await proxy.cut()
  // The connections of before may be lost in the middle of a statement.
  await unavailableInTime(t, 'person', () => person(session.id))
  await unavailableInTime(t, 'sign-up', () => call('POST', '/sign-ups', signUpBody()), 'none')
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

t.test('what a database refuses is not quoted by the error, which stands in a log', async (t) => {
  const { db } = await harness(t)
  const secret = `a name ${newPhone()}`
  const refused = await rawSql`select ${secret}::text::integer`.execute(db).catch((error: unknown) => error)
  t.match(refused, { message: 'postgres refused a value (22P02)' })
  t.notMatch(inspect(refused, { depth: 9, showHidden: true }), secret)
})
