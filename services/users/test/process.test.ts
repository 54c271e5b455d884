import { randomBytes, randomUUID } from 'node:crypto'
import { eventually, freePort, ownRedis, startProcess } from '@latchkey/kit/testing'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import { blank, createDatabase, newChallengeId, newPhone } from './harness.js'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'

const main = new URL('../bundle/main.js', import.meta.url).pathname
const internalSecret = randomBytes(32).toString('hex')
const tokenKeys = `k1:${randomBytes(32).toString('base64')}`
const traceKey = `k1:${randomBytes(32).toString('base64')}`

async function startUsers(t: Test, stores: { databaseUrl: string; redisUrl: string }) {
  const [port, opsPort] = [await freePort(), await freePort()]
  const process = startProcess(main, {
    NODE_ENV: 'development',
    USERS_PORT: String(port),
    USERS_OPS_PORT: String(opsPort),
    DATABASE_URL: stores.databaseUrl,
    REDIS_URL: stores.redisUrl,
    INTERNAL_SECRET: internalSecret,
    TOKEN_KEYS: tokenKeys,
    TRACE_KEY: traceKey,
  })
  t.teardown(() => void process.child.kill('SIGKILL'))
  const ops = async (path: string) => {
    const reply = await fetch(`http://127.0.0.1:${opsPort}${path}`).catch(() => undefined)
    return { status: reply?.status, text: (await reply?.text()) ?? '' }
  }
  const post = (path: string, body: object) =>
    fetch(`http://127.0.0.1:${port}/internal${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${internalSecret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { process, opsPort, ops, post, ready: async () => (await ops('/ready')).status === 200 }
}

t.test('a bad configuration is told whole, without its values, and ends with 78', async (t) => {
  const { ended, output } = startProcess(main, {
    USERS_PORT: 'eighty',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    INTERNAL_SECRET: 'hunter2',
    TOKEN_KEYS: 'hunter2',
  })
  t.equal(await ended, 78)
  for (const name of [
    'USERS_PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'REDIS_URL is missing',
    'INTERNAL_SECRET',
    'TOKEN_KEYS',
  ])
    t.match(output(), name)
  t.notMatch(output(), 'hunter2')
})

t.test('told to migrate, it brings the schema up to date, serves nothing, and ends', async (t) => {
  const databaseUrl = await createDatabase(t)
  const { ended, output } = startProcess(
    main,
    {
      DATABASE_URL: databaseUrl,
      // Nobody is there.
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      INTERNAL_SECRET: internalSecret,
      TOKEN_KEYS: tokenKeys,
      TRACE_KEY: traceKey,
    },
    ['migrate'],
  )
  t.equal(await ended, 0)
  t.match(output(), 'the schema is up to date')
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  t.teardown(() => client.end())
  t.equal((await client.query("select to_regclass('users') is not null as there")).rows[0]?.there, true)
})

t.test('a key that is too short is told by its id', async (t) => {
  const { ended, output } = startProcess(main, {
    DATABASE_URL: 'postgres://localhost/x',
    REDIS_URL: 'redis://localhost',
    INTERNAL_SECRET: internalSecret,
    TOKEN_KEYS: 'k7:c2hvcnQ=',
    TRACE_KEY: traceKey,
  })
  t.equal(await ended, 78)
  t.match(output(), /TOKEN_KEYS.*k7/)
  t.notMatch(output(), 'c2hvcnQ')
})

t.test(
  'without its stores it lives and says what is missing; when they come it gets ready by itself; without them again it still ends',
  async (t) => {
    const direct = { databaseUrl: await createDatabase(t), redisUrl: await ownRedis() }
    const [pgPort, redisPort] = [await freePort(), await freePort()]
    const postgres = await startProxy(addressOf(direct.databaseUrl, 5432), { port: pgPort, away: true })
    const redis = await startProxy(addressOf(direct.redisUrl, 6379), { port: redisPort, away: true })
    t.teardown(async () => {
      await postgres.close()
      await redis.close()
    })
    const users = await startUsers(t, {
      databaseUrl: through(direct.databaseUrl, pgPort),
      redisUrl: through(direct.redisUrl, redisPort),
    })
    await eventually('life', async () => (await users.ops('/live')).status === 200)
    const unready = await users.ops('/ready')
    t.equal(unready.status, 503)
    t.match(JSON.parse(unready.text), { ready: false, problems: { postgres: String, queue: String } })
    const early = await eventually('an answer', () =>
      users.post('/sessions/refresh', { refreshToken: 'x', face: 'v1' }).catch(() => undefined),
    )
    t.equal(early.status, 401, 'what needs no store is answered')

    await postgres.mend()
    await redis.mend()
    await eventually('readiness', users.ready, 15_000)
    const body = { challengeId: newChallengeId(), face: 'v1', account: { ...blank, phone: newPhone() } }
    t.equal((await users.post('/sign-ups', body)).status, 201)
    t.match((await users.ops('/metrics')).text, 'latchkey_http_request_seconds_count{')

    await redis.cut()
    await eventually('the loss to show', async () => !(await users.ready()))
    users.process.child.kill('SIGTERM')
    t.equal(await users.process.ended, 0)
  },
)

t.test('it ends at once when its stores never came', async (t) => {
  const [pgPort, redisPort] = [await freePort(), await freePort()]
  const users = await startUsers(t, {
    databaseUrl: `postgres://nobody@127.0.0.1:${pgPort}/nowhere`,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
  })
  await eventually('life', async () => (await users.ops('/live')).status === 200)
  const start = Date.now()
  users.process.child.kill('SIGTERM')
  t.equal(await users.process.ended, 0)
  t.ok(Date.now() - start < 4_000)
})

t.test('a SIGTERM finishes what is in flight and ends with 0; nothing secret was logged', async (t) => {
  const databaseUrl = await createDatabase(t)
  const users = await startUsers(t, { databaseUrl, redisUrl: await ownRedis() })
  await eventually('readiness', users.ready, 15_000)
  const locker = new Client({ connectionString: databaseUrl })
  await locker.connect()
  await locker.query('begin')
  await locker.query('lock table users in access exclusive mode')
  const phone = newPhone()
  const password = `plum trombone ${randomUUID()}`
  const inFlight = users.post('/sign-ups/prepare', { phone, email: null, password })
  await eventually('the request to wait', async () => {
    const { rows } = await locker.query(
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    )
    return rows.length > 0
  })
  users.process.child.kill('SIGTERM')
  await eventually('the stop to begin', async () => users.process.output().includes('"stopping"'))
  await locker.query('rollback')
  await locker.end()
  t.equal((await inFlight).status, 200)
  t.equal(await users.process.ended, 0)
  for (const secret of [phone, phone.slice(3), password, internalSecret, tokenKeys, '$argon2'])
    t.notOk(users.process.output().includes(secret))
})

t.test('a taken port ends it with a word', async (t) => {
  const databaseUrl = await createDatabase(t)
  const first = await startUsers(t, { databaseUrl, redisUrl: await ownRedis() })
  await eventually('life', async () => (await first.ops('/live')).status === 200)
  const second = startProcess(main, {
    NODE_ENV: 'development',
    USERS_PORT: String(await freePort()),
    USERS_OPS_PORT: String(first.opsPort),
    DATABASE_URL: databaseUrl,
    REDIS_URL: await ownRedis(),
    INTERNAL_SECRET: internalSecret,
    TOKEN_KEYS: tokenKeys,
    TRACE_KEY: traceKey,
  })
  t.equal(await second.ended, 1)
  t.match(second.output(), 'EADDRINUSE')
  first.process.child.kill('SIGTERM')
  t.equal(await first.process.ended, 0)
})
