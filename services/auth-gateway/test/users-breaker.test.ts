import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import {
  badUsers,
  breaks,
  clientOf,
  good,
  json,
  many,
  nothing,
  outcome,
  patientMs,
  problem,
  someMs,
  timeoutMs,
} from './users-harness.js'

t.test('while it is open one call at a time asks whether users is back; the others are told at once', async (t) => {
  const users = await badUsers(t, nothing)
  const client = clientOf(t, users.url)
  await breaks(client)
  const asked = users.asked
  let slow = 0
  const end = performance.now() + 2_500
  while (performance.now() < end) {
    const told = await many(10, client.quick)
    slow += told.filter(({ ms }) => ms > timeoutMs / 2).length
    await sleep(5)
  }
  const probes = users.asked - asked
  t.ok(probes >= 1 && probes <= 4, `${probes} probes`)
  t.ok(slow <= probes, `${slow} callers waited`)
  t.equal(client.said().length, 1, 'and nothing more is said')
})

t.test('what users refuses in words it may use opens nothing, nor does a failure of its own', async (t) => {
  for (const [status, body, expected] of [
    [400, problem('request.invalid', 400), 'request.invalid'],
    [503, problem('unavailable', 503, { effect: 'none' }), 'unavailable'],
    [503, problem('unavailable', 503, { effect: 'unknown' }), 'unavailable'],
    [500, problem('internal', 500), 'unavailable'],
    [403, problem('forbidden', 403), 'unavailable'],
  ] as const) {
    const users = await badUsers(t, (_request, response) => json(response, status, body))
    const client = clientOf(t, users.url, patientMs)
    const told = [...(await many(30, client.quick)), ...(await many(30, client.quick))]
    t.same([...new Set(told.map(({ code }) => code))], [expected])
    t.equal(users.asked, 60, `${status} ${body.code}: all were asked`)
    t.equal(await client.away('quick'), 0)
  }
})

t.test('refusals are answers: a few lost calls among many refused ones open nothing', async (t) => {
  let asked = 0
  const users = await badUsers(t, (request, response) => {
    asked += 1
    if (asked % 4 === 0) request.socket.destroy()
    else json(response, 401, problem('request.invalid', 401))
  })
  const client = clientOf(t, users.url, patientMs)
  for (let n = 0; n < 10; n++) await many(8, client.quick)
  t.equal(users.asked, 80, 'all were asked')
  t.equal(client.said().length, 0)
})

t.test('hundreds that wait for their hash delay nothing else, and open nothing for it', async (t) => {
  const users = await badUsers(t, (request, response) => {
    if (request.url !== '/internal/sign-ins/password' && request.url !== '/internal/sign-ups/prepare')
      good(request, response)
  })
  const client = clientOf(t, users.url, someMs)
  const waiting = many(500, client.hashing)
  await eventually('the hashing to hang', async () => users.asked >= 64)
  for (let n = 0; n < 20; n++) {
    const told = await many(5, client.quick)
    t.same([...new Set(told.map(({ code }) => code))], ['done'])
    t.ok(Math.max(...told.map(({ ms }) => ms)) < someMs)
  }
  const told = await waiting
  t.same([...new Set(told.map(({ code }) => code))], ['unavailable'])
  t.ok(Math.max(...told.map(({ ms }) => ms)) < someMs + 1_000, 'and themselves are told in time')
  t.ok(told.filter(({ effect }) => effect === 'none').length >= 180, 'who found no room was never sent')
  t.equal(await client.away('hashing'), 1)
  t.equal(await client.away('quick'), 0)
  t.equal(await client.check(), undefined, 'and the gateway is ready')
})

t.test('the room to wait for users has an end: whoever finds it full is told at once, however many come', async (t) => {
  const users = await badUsers(t, nothing)
  const client = clientOf(t, users.url, someMs)
  const crowd = async (ask: () => Promise<unknown>, room: number) => {
    const told: Awaited<ReturnType<typeof outcome>>[] = []
    const comers = Array.from({ length: 3 * room }, async () => void told.push(await outcome(ask)))
    await eventually('the surplus to be told', async () => told.length >= 2 * room, someMs / 2)
    t.equal(told.length, 2 * room, `${room} are kept, and no more`)
    t.ok(told.every(({ code, effect }) => code === 'unavailable' && effect === 'none'))
    await Promise.all(comers)
  }
  await Promise.all([crowd(client.quick, 64 + 1_024), crowd(client.hashing, 64 + 256)])
})

t.test('a sign-up without a password waits for no hash', async (t) => {
  const users = await badUsers(t, (request, response) => {
    if (request.url === '/internal/sign-ups/prepare') return json(response, 200, { known: false, passwordHash: null })
  })
  const client = clientOf(t, users.url, someMs)
  const waiting = many(400, client.hashing)
  t.match(await outcome(() => client.prepare(null)), { code: 'done' })
  t.match(await outcome(() => client.prepare('plum trombone')), { code: 'unavailable' })
  await waiting
})

t.test('calls that end late, after users has come back, do not open the breaker again', async (t) => {
  const users = await badUsers(t, nothing)
  const client = clientOf(t, users.url, someMs)
  const early = many(6, client.quick)
  await sleep(someMs - 200)
  // They are asked before the breaker opens, and fail after the probe was answered.
  const late = many(40, client.quick)
  await early
  users.behaves = good
  await eventually('recovery', async () => (await outcome(client.quick)).code === 'done')
  await late
  t.match(await outcome(client.quick), { code: 'done' })
  t.equal(client.said().length, 2, 'opened once, closed once')
})

t.test(
  'readiness says what callers meet, asks no more than they do, and finds users back without any caller',
  async (t) => {
    const users = await badUsers(t, nothing)
    const client = clientOf(t, users.url)
    await breaks(client)
    const asked = users.asked
    for (let n = 0; n < 50; n++) t.equal(await client.check(), 'users does not answer')
    t.ok(users.asked - asked <= 2, `${users.asked - asked} of fifty looks reached users`)
    users.behaves = good
    await eventually('readiness', async () => (await client.check()) === undefined, 2_000)
    t.match(await outcome(client.quick), { code: 'done' })
  },
)
