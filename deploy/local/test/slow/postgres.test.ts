import { setTimeout as sleep } from 'node:timers/promises'
import { addressOf, through } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import pg from 'pg'
import t, { type Test } from 'tap'
import { startCommitTrap } from './commit-trap.js'
import { checkInvariants } from './invariants.js'
import { answeredInTime, type Load, startLoad, toldBetween } from './load.js'
import { production, type Production, someoneWithCode } from './production.js'

const told = (calls: ReturnType<typeof toldBetween>, kind: string) =>
  calls.filter(({ what }) => what === kind).map(({ status }) => status)

async function underLoad(on: Production, patienceMs?: number): Promise<Load> {
  const load = startLoad(on, { perSecond: 4, ...(patienceMs !== undefined && { patienceMs }) })
  await eventually('the first sessions', async () => load.people.filter(({ session }) => session).length >= 4, 30_000)
  return load
}

t.test('a network lost at the commit', async (t) => {
  let trap!: Awaited<ReturnType<typeof startCommitTrap>>
  const on = await production(t, {
    databaseUrl: async (direct) => {
      trap = await startCommitTrap(t, addressOf(direct, 5432))
      return through(direct, trap.port)
    },
  })
  const { call, sql } = on
  const effects = ({ phone, id }: { phone: string; id: string }) =>
    sql<Record<string, number>>(
      `select (select count(*)::int from users where phone = $1) as users,
        (select count(*)::int from sessions join users on users.id = sessions.user_id where phone = $1) as sessions,
        (select count(*)::int from consumed_challenges where challenge_id = $2) as used`,
      [phone, id],
    )
  async function loseCommit(where: 'before' | 'after') {
    const person = await someoneWithCode(on)
    const lost = trap.set(where)
    const began = performance.now()
    t.match(await call('POST', person.answerPath, { code: person.code }), {
      status: 503,
      body: { code: 'unavailable' },
    })
    t.ok(performance.now() - began < 2_000, `told after ${(performance.now() - began).toFixed(0)} ms`)
    t.ok(lost(), 'the network was lost at its commit')
    return person
  }
  const answerAgain = (person: Awaited<ReturnType<typeof loseCommit>>) =>
    eventually('the claim to run out', async () => {
      const { status } = await call('POST', person.answerPath, { code: person.code })
      return ![429, 503].includes(status) && status
    })

  await t.test('before it: nothing was used, and the same code works', async (t) => {
    const person = await loseCommit('before')
    t.equal(await answerAgain(person), 201)
    t.same(await effects(person), [{ users: 1, sessions: 1, used: 1 }])
  })
  await t.test('after it: the effect exists exactly once, and the code is gone', async (t) => {
    const person = await loseCommit('after')
    t.same(await effects(person), [{ users: 1, sessions: 1, used: 1 }])
    t.equal(await answerAgain(person), 410)
    t.same(await on.fenced(), { forgot: 0, unsure: 1 }, 'which is no alarm: Redis forgot nothing')
    t.same(await effects(person), [{ users: 1, sessions: 1, used: 1 }])
  })
})

t.test('with connections ended every 2 s under load every code has its effect once', async (t) => {
  const on = await production(t)
  const load = await underLoad(on)
  const beganAt = Date.now()
  let ended = 0
  for (let n = 0; n < 8; n++) {
    const rows = await on.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
    ended += rows.length
    await sleep(2_000)
  }
  await load.stop()
  t.ok(ended > 8, `${ended} connections were ended`)
  answeredInTime(t, load.people, beganAt)
  await checkInvariants(t, on, load.people)
})

t.test('with a locked table everybody is told 503 in time, and the same codes work afterwards', async (t) => {
  const on = await production(t)
  const load = await underLoad(on)
  const locker = new pg.Client({ connectionString: on.postgres.url })
  await locker.connect()
  t.teardown(() => locker.end())
  await locker.query('begin')
  await locker.query('lock table users, sessions, consumed_challenges in access exclusive mode')
  const beganAt = Date.now()
  await sleep(8_000)
  await locker.query('rollback')
  await sleep(2_000)
  await load.stop()
  t.ok(toldBetween(load.people, beganAt + 1_000, beganAt + 6_000).every(({ status }) => status !== 201))
  t.ok(
    toldBetween(load.people, beganAt, beganAt + 8_000).some(({ what, status }) => what === 'answer' && status === 503),
  )
  answeredInTime(t, load.people, beganAt)
  await checkInvariants(t, on, load.people)
})

t.test('with Postgres down for 60 s everybody is told 503 in time, and the same codes work afterwards', async (t) => {
  const on = await production(t)
  const { postgres, health, stack } = on
  await on.order({ to: '*', fault: 'slow', ms: 300 })
  const load = await underLoad(on, 120_000)
  const processes = Object.values(stack.processes)
  const ended: unknown[] = []
  for (const { name, ended: end } of processes) void end.then((exit) => ended.push([name, exit]))
  await postgres.kill()
  const beganAt = Date.now()
  await eventually('users to say so', async () => (await health('users')) === 503)
  await eventually('the gateway to say so', async () => (await health('auth-gateway')) === 503)
  await sleep(60_000 - (Date.now() - beganAt))
  t.equal(await health('users'), 503)
  t.equal(await health('sms-worker'), 200, 'who needs no Postgres goes on')
  const endedAt = Date.now()
  await postgres.restart()
  await on.readyAgain()
  t.comment(`all ready ${Date.now() - endedAt} ms after Postgres was started`)
  await sleep(2_000)
  await load.stop()
  const during = toldBetween(load.people, beganAt, endedAt - 2_000)
  t.same([...new Set(told(during, 'sign-up'))], [503])
  // A commit may have been lost with the server; after its lease nobody is held up any more, for users knows that nothing happens.
  const later = toldBetween(load.people, beganAt + 7_000, endedAt - 2_000)
  t.same([...new Set(told(later, 'answer'))], [503])
  t.same(ended, [], 'no service gave up')
  answeredInTime(t, load.people, beganAt)
  await checkInvariants(t, on, load.people)
})

/** Everybody answers again and again until it is over; what they are told, and how long each call took. */
function answering({ call }: Production, people: readonly { answerPath: string; code: string }[]) {
  const until = performance.now() + 30_000
  const told: { status: number; tookMs: number; at: number }[] = []
  const done = Promise.all(
    people.map(async ({ answerPath, code }) => {
      for (;;) {
        const from = performance.now()
        const { status } = await call('POST', answerPath, { code })
        told.push({ status, tookMs: performance.now() - from, at: Date.now() })
        if (![429, 503].includes(status) || performance.now() > until) return status
        await sleep(300)
      }
    }),
  )
  return { told, done }
}

/** Nobody was told anything but 503, none too late, and none was held by a claim of his own; then everybody got in, once. */
async function allGetIn(
  t: Test,
  { sql }: Production,
  people: readonly { phone: string }[],
  { told, done }: ReturnType<typeof answering>,
  endedAt: number,
): Promise<void> {
  // In the rush at the end an effect may come later than its answer: then the code is gone, and the session is there.
  const ends = await done
  t.same(
    ends.filter((status) => ![201, 410].includes(status)),
    [],
    'the same codes work afterwards',
  )
  t.ok(ends.includes(201))
  const during = told.filter(({ at }) => at < endedAt)
  t.same([...new Set(during.map(({ status }) => status))], [503])
  const slowest = Math.max(...told.map(({ tookMs }) => tookMs))
  t.ok(slowest < 2_000, `the slowest of ${told.length} answers took ${slowest.toFixed(0)} ms`)
  const sessions = await sql(
    'select count(*)::int as n from sessions join users on users.id = sessions.user_id where phone = any($1)',
    [people.map(({ phone }) => phone)],
  )
  t.same(sessions, [{ n: people.length }], 'one session each')
  t.comment(`${during.length} told 503 meanwhile, slowest ${slowest.toFixed(0)} ms`)
}

t.test(
  'with every connection of users taken by something slow everybody is told 503, and the same codes work',
  async (t) => {
    const on = await production(t)
    const people = await Promise.all(Array.from({ length: 24 }, () => someoneWithCode(on)))
    const locker = new pg.Client({ connectionString: on.postgres.url })
    await locker.connect()
    t.teardown(() => locker.end())
    await locker.query('begin')
    await locker.query('lock table consumed_challenges in access exclusive mode')
    const answers = answering(on, people)
    await eventually('users to have no connection left', async () => {
      const [waiting] = await on.sql<{ n: number }>(
        "select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
      )
      return waiting?.n === 10
    })
    await sleep(4_000)
    const endedAt = Date.now()
    await locker.query('rollback')
    await allGetIn(t, on, people, answers, endedAt)
  },
)

t.test('with all connections of Postgres taken by others everybody is told 503, and the same codes work', async (t) => {
  const on = await production(t)
  const people = await Promise.all(Array.from({ length: 10 }, () => someoneWithCode(on)))
  const giveBack = await takeAllConnections(t, on)
  const answers = answering(on, people)
  await sleep(3_000)
  t.equal(await on.health('auth-gateway'), 503, 'health does not lie')
  const endedAt = Date.now()
  await giveBack()
  await on.readyAgain()
  await allGetIn(t, on, people, answers, endedAt)
})

/** Takes whatever connection comes free, also what users would find later, until it is told to give all back. */
async function takeAllConnections(t: Test, { postgres, health }: Production): Promise<() => Promise<void>> {
  const hoard = new Set<pg.Client>()
  let greedy = true
  let hasAll = false
  async function takeOne(): Promise<pg.Client | undefined> {
    const client = new pg.Client({ connectionString: postgres.url, application_name: 'hoard' })
    client.on('error', () => undefined)
    const taken = await client.connect().then(
      () => true,
      () => false,
    )
    if (taken) hoard.add(client)
    return taken ? client : undefined
  }
  const first = await takeOne()
  const taking = (async () => {
    while (greedy) {
      const others = await first?.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'hoard'",
      )
      const before = hoard.size
      while (greedy && (await takeOne()) !== undefined);
      // Nobody else had one, and none was free.
      hasAll ||= others?.rowCount === 0 && hoard.size === before
      await sleep(20)
    }
  })()
  async function giveBack(): Promise<void> {
    greedy = false
    await taking
    await Promise.all([...hoard].map((client) => client.end().catch(() => undefined)))
  }
  t.teardown(giveBack)
  await eventually('all to be taken', async () => hasAll, 30_000)
  await eventually('users to find none', async () => (await health('users')) === 503)
  return giveBack
}
