import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '@latchkey/kit/app-error'
import { startProxy } from '@latchkey/kit/test-proxy'
import { eventually, freePort } from '@latchkey/kit/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createUsersClient } from '../src/users-client.js'

const caller = { requestId: 'test', face: 'v1', locale: 'en' }
/** Short where users never answers; on a busy machine an answer may well take longer. */
const timeoutMs = 400
const patientMs = 5_000
const someMs = 1_500

/** What users says where all is well, by path. */
const good: RequestListener = (request, response) => {
  if (request.url === '/internal/sessions/refresh' || request.url === '/internal/people/find-phone')
    return json(response, 200, { phone: '+919876543210' })
  if (request.url?.startsWith('/internal/deliveries/')) return json(response, 200, { state: null, reason: null })
  return json(response, 401, problem('credentials.wrong', 401))
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const problem = (code: string, status: number, more: object = {}) => ({
  type: '/docs/errors#x',
  title: 'x',
  status,
  code,
  detail: 'x',
  ...more,
})

/** A users that does as told, counted. */
async function badUsers(t: Test, behaves: RequestListener, port = 0) {
  const users = { behaves, asked: 0, url: '', port: 0 }
  const server: Server = createServer((request, response) => {
    users.asked += 1
    users.behaves(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  users.port = (server.address() as AddressInfo).port
  users.url = `http://127.0.0.1:${users.port}`
  return users
}

function clientOf(t: Test, url: string, withinMs = timeoutMs) {
  const metrics = new Registry()
  const said: { msg: string; calls: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void said.push(JSON.parse(line)) })
  const users = createUsersClient({ url, secret: 'x'.repeat(32), timeoutMs: withinMs, log, metrics })
  t.teardown(() => users.close())
  return {
    said: () => said.map(({ msg, calls }) => `${calls}: ${msg}`),
    quick: () => users.findPhone({ identifier: { kind: 'username', value: 'somebody' } }, caller),
    hashing: () =>
      users.signInWithPassword(
        { identifier: { kind: 'username', value: 'somebody' }, password: 'x', face: 'v1' },
        caller,
      ),
    prepare: (password: string | null) =>
      users.prepareSignUp({ phone: '+919876543210' as never, email: null, password }, caller),
    check: users.check,
    async away(calls: string) {
      const text = await metrics.metrics()
      return Number(new RegExp(`latchkey_users_away\\{calls="${calls}"\\} (\\d)`).exec(text)?.[1])
    },
  }
}

/** How a call ended, and how long that took. */
async function outcome(ask: () => Promise<unknown>) {
  const began = performance.now()
  const [code, effect] = await ask().then(
    () => ['done', 'done'],
    (error: unknown) => (error instanceof AppError ? [error.code, error.effect] : ['unexpected', String(error)]),
  )
  return { code, effect, ms: performance.now() - began }
}

const many = (count: number, ask: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, () => outcome(ask)))

/** Lets calls fail until the breaker keeps them away. */
const breaks = ({ quick }: ReturnType<typeof clientOf>) =>
  eventually('the breaker to open', async () => {
    const told = await many(6, quick)
    return told.every(({ effect }) => effect === 'none')
  })

const nothing: RequestListener = () => undefined

const garbage: Readonly<Record<string, RequestListener>> = {
  'no answer': nothing,
  'headers and no body': (_request, response) => response.writeHead(200).flushHeaders(),
  'a body that drips': (_request, response) => {
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  },
  'no JSON': (_request, response) => void response.writeHead(200).end('{"phone":'),
  'HTML with 200': (_request, response) => void response.writeHead(200).end('<html>welcome</html>'),
  'HTML with 502': (_request, response) => void response.writeHead(502).end('<html>bad gateway</html>'),
  'JSON of another shape': (_request, response) => json(response, 200, { phone: 7 }),
  null: (_request, response) => json(response, 200, null),
  'an empty body': (_request, response) => void response.writeHead(200).end(),
  'a body cut short': (_request, response) => {
    response.writeHead(200, { 'content-length': '400' })
    response.write('{"phone":null}')
    setTimeout(() => response.destroy(), 20)
  },
  'a wrong success': (_request, response) => json(response, 201, { phone: null }),
  'a redirect': (_request, response) => void response.writeHead(302, { location: '/' }).end(),
  'a status nobody knows': (_request, response) => json(response, 418, { phone: null }),
  'a refusal without a code': (_request, response) => json(response, 503, { error: 'Service Unavailable' }),
  'a connection that is reset': (request) => void request.socket.resetAndDestroy(),
  'no HTTP': (request) => void request.socket.end('220 mail.example.com ESMTP\r\n'),
}

for (const [what, behaves] of Object.entries(garbage))
  t.test(`users gives ${what}: unavailable in time, its effect unknown, and soon nobody waits for it`, async (t) => {
    const users = await badUsers(t, behaves)
    const client = clientOf(t, users.url)
    for (const told of await many(6, client.quick)) {
      t.match(told, { code: 'unavailable', effect: 'unknown' })
      t.ok(told.ms < timeoutMs + 300, `${told.ms.toFixed(0)} ms`)
    }
    const asked = users.asked
    const [after] = await many(1, client.quick)
    t.match(after, { code: 'unavailable', effect: 'none' })
    t.ok((after?.ms ?? Infinity) < timeoutMs / 2, 'told at once')
    t.equal(users.asked, asked, 'without asking')
    t.equal(await client.away('quick'), 1)

    users.behaves = good
    const from = performance.now()
    await eventually('recovery', async () => (await outcome(client.quick)).code === 'done')
    t.ok(performance.now() - from < 1_500, `well again ${(performance.now() - from).toFixed(0)} ms after users`)
    t.equal(await client.away('quick'), 0)
    t.same(client.said(), ['quick: users does not answer: calls are kept away from it', 'quick: users answers again'])
  })

t.test('a users that is not there: nothing was sent, so nothing happened; found again when it is back', async (t) => {
  const port = await freePort()
  const client = clientOf(t, `http://127.0.0.1:${port}`)
  for (const told of await many(20, client.quick)) t.match(told, { code: 'unavailable', effect: 'none' })
  await badUsers(t, good, port)
  await eventually('recovery', async () => (await outcome(client.quick)).code === 'done', 1_500)
})

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

t.test('whether a refusal left an effect is what users says; where it says nothing, nobody knows', async (t) => {
  const users = await badUsers(t, nothing)
  const client = clientOf(t, users.url, patientMs)
  for (const [more, effect] of [
    [{ effect: 'none' }, 'none'],
    [{ effect: 'unknown' }, 'unknown'],
    [{}, 'unknown'],
  ] as const) {
    users.behaves = (_request, response) => json(response, 503, problem('unavailable', 503, more))
    t.match(await outcome(client.quick), { code: 'unavailable', effect })
  }
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

t.test(
  'connections to a peer that vanished are left: a new users behind the same address is found at once',
  async (t) => {
    const users = await badUsers(t, (request, response) => void setTimeout(() => good(request, response), 30))
    const proxy = await startProxy({ host: '127.0.0.1', port: users.port })
    t.teardown(() => proxy.close())
    const client = clientOf(t, `http://127.0.0.1:${proxy.port}`, someMs)
    t.ok(
      (await many(30, client.quick)).every(({ code }) => code === 'done'),
      'thirty connections are open',
    )
    proxy.freeze()
    await breaks(client)
    proxy.vanish()
    const from = performance.now()
    await eventually('recovery', async () => (await outcome(client.quick)).code === 'done')
    t.ok(performance.now() - from < 2_500, `${(performance.now() - from).toFixed(0)} ms`)
    t.ok(
      (await many(30, client.quick)).every(({ code }) => code === 'done'),
      'on as many new ones',
    )
    t.equal(client.said().length, 2)
  },
)

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

t.test('an answer without end is left when it is longer than any answer of users', async (t) => {
  let written = 0
  const users = await badUsers(t, (_request, response) => {
    const more = () => {
      do written += 65_536
      while (response.write('x'.repeat(65_536)))
    }
    response.on('drain', more)
    more()
  })
  t.match(await outcome(clientOf(t, users.url).quick), { code: 'unavailable', effect: 'unknown' })
  t.ok(written < 16 * 1024 * 1024, `${(written / 1024 / 1024).toFixed(1)} MiB were written`)
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
