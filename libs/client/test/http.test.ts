import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createClient } from '../src/client.js'
import { isRefusal, type Refusal } from '../src/refusal.js'
import { inMemory, type TokenStorage } from '../src/storage.js'

// What stands between an app and the service, and misbehaves. The service itself is asked in deploy/local.

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const problem =
  (status: number, code: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response
      .writeHead(status, { 'content-type': 'application/problem+json', ...headers })
      .end(JSON.stringify({ type: `/docs/errors#${code}`, title: 'no', status, code, detail: 'not today' }))
const page =
  (status: number): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<h1>Welcome to our Wi-Fi</h1>')
const hangUp: Answer = (response) => response.destroy()
const silence: Answer = () => undefined
const me = json(200, { user: { id: 'u' } })
const renewed = json(200, { session: sessionOf('2') })

function sessionOf(turn: string) {
  return {
    id: 's',
    accessToken: `a${turn}`,
    refreshToken: `r${turn}`,
    deviceToken: 'd',
    expiresIn: 600,
    tokenType: 'Bearer',
  }
}

/** A server that gives these answers in turn, the last one for ever, and remembers what it was asked. */
async function between(t: Test, ...answers: Answer[]) {
  const asked: { line: string; body: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      asked.push({ line: `${request.method} ${request.url}`, body, headers: request.headers })
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(response, request)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

/** Of somebody who signed in with an access token that is fresh, or has run out. */
async function signedIn({ fresh }: { fresh: boolean }): Promise<TokenStorage> {
  const storage = inMemory()
  const { id, accessToken, refreshToken } = sessionOf('1')
  const freshUntilMs = fresh ? Date.now() + 600_000 : 0
  await storage.set('session', JSON.stringify({ id, accessToken, refreshToken, freshUntilMs }))
  return storage
}

const refusal = (work: Promise<unknown>): Promise<Refusal> =>
  work.then(
    () => {
      throw new Error('it was not refused')
    },
    (error: unknown) => {
      if (isRefusal(error)) return error
      throw error
    },
  )

t.test('a GET is asked again where the network fails or the service is away, and three times at most', async (t) => {
  const { baseUrl, asked } = await between(t, hangUp, problem(503, 'unavailable', { 'retry-after': '0' }), me)
  const client = createClient({ baseUrl, storage: await signedIn({ fresh: true }) })
  t.match(await client.getMe(), { user: { id: 'u' } })
  t.equal(asked.length, 3)
  const dead = await between(t, hangUp)
  t.match(await refusal(createClient({ baseUrl: dead.baseUrl }).getChallenge({ id: 'c' })), {
    code: 'network.failed',
    status: 0,
  })
  t.equal(dead.asked.length, 3)
})

t.test('whatever may have had its effect is sent once', async (t) => {
  for (const answer of [hangUp, problem(503, 'unavailable', { 'retry-after': '0' })]) {
    const { baseUrl, asked } = await between(t, answer)
    const client = createClient({ baseUrl, storage: await signedIn({ fresh: true }) })
    const works = [
      client.signUp({ phone: '+1' }),
      client.answerChallenge({ id: 'c', code: '1' }),
      client.resendChallenge({ id: 'c' }),
      client.patchMe({ name: 'A' }),
      client.endOneSession({ id: 'x' }),
    ]
    await Promise.all(works.map(refusal))
    t.equal(asked.length, 5)
  }
})

t.test('a wait of minutes is left to the caller, who is told how long', async (t) => {
  const { baseUrl, asked } = await between(t, problem(503, 'unavailable', { 'retry-after': '120' }))
  t.match(await refusal(createClient({ baseUrl }).getChallenge({ id: 'c' })), {
    code: 'unavailable',
    status: 503,
    retryInMs: 120_000,
    message: 'not today',
  })
  t.equal(asked.length, 1)
})

t.test('only the word of the service signs anybody out: not a portal, a proxy or a hole', async (t) => {
  const others = [page(200), page(401), page(403), page(302), json(401, {}), json(200, {}), json(200, null), page(500)]
  await Promise.all(
    [...others, page(503), hangUp].map(async (answer) => {
      const { baseUrl } = await between(t, answer)
      const storage = await signedIn({ fresh: false })
      const client = createClient({ baseUrl, storage })
      t.match(await refusal(client.getMe()), { code: /^(?:network\.failed|internal|unavailable)$/ })
      t.match(await storage.get('session'), 'r1')
    }),
  )
  const { baseUrl, asked } = await between(t, problem(401, 'token.invalid'))
  const storage = await signedIn({ fresh: false })
  const client = createClient({ baseUrl, storage })
  const told: unknown[] = []
  client.watch((session) => told.push(session))
  t.match(await refusal(client.getMe()), { code: 'token.invalid', status: 401 })
  t.notOk(await storage.get('session'))
  t.match(await refusal(client.getMe()), { code: 'token.invalid' })
  t.strictSame(
    asked.map(({ line }) => line),
    ['POST /v1/token/refresh'],
    'nobody is asked about nobody',
  )
  t.strictSame(told, [{ id: 's' }, null])
})

t.test('a page that answers 200 to a call is no answer', async (t) => {
  const { baseUrl } = await between(t, page(200))
  t.match(await refusal(createClient({ baseUrl }).signUp({ phone: '+1' })), { code: 'network.failed' })
})

t.test('silence ends with the time of the call, and with the signal of its caller alone', async (t) => {
  const { baseUrl } = await between(t, silence)
  const client = createClient({ baseUrl, timeoutMs: 60 })
  t.match(await refusal(client.signUp({ phone: '+1' })), { code: 'network.timeout', status: 0 })
  const caller = new AbortController()
  const work = client.signUp({ phone: '+1' }, { signal: caller.signal, timeoutMs: 10_000 })
  caller.abort(new Error('he went away'))
  await t.rejects(work, { message: 'he went away' })
  await t.rejects(client.signUp({ phone: '+1' }, { signal: caller.signal }), { message: 'he went away' })
})

t.test('many callers are one renewal; of many tabs one renews, and the others find what it stored', async (t) => {
  const { baseUrl, asked } = await between(t, renewed, me)
  const alone = createClient({ baseUrl, storage: await signedIn({ fresh: false }) })
  await Promise.all(Array.from({ length: 100 }, () => alone.getMe()))
  t.equal(asked.filter(({ line }) => line.includes('refresh')).length, 1)

  const tabs = await between(t, renewed, me)
  const storage = { ...(await signedIn({ fresh: false })), sharedAs: randomUUID() }
  const clients = Array.from({ length: 5 }, () => createClient({ baseUrl: tabs.baseUrl, storage }))
  t.teardown(() => clients.forEach(({ close }) => close()))
  await Promise.all(clients.map(({ getMe }) => getMe()))
  t.strictSame(
    tabs.asked.filter(({ line }) => line.includes('refresh')).map(({ body }) => body),
    ['{"refreshToken":"r1"}'],
  )
})

t.test('who stops waiting for a renewal does not stop it for the others', async (t) => {
  const held: (() => void)[] = []
  const { baseUrl, asked } = await between(t, (response, request) => held.push(() => renewed(response, request)), me)
  const client = createClient({ baseUrl, storage: await signedIn({ fresh: false }) })
  const caller = new AbortController()
  const [impatient, patient] = [client.getMe(undefined, { signal: caller.signal }), client.getMe()]
  impatient.catch(() => undefined)
  while (held.length === 0) await sleep(5)
  caller.abort(new Error('he went away'))
  await t.rejects(impatient, { message: 'he went away' })
  held[0]?.()
  t.match(await patient, { user: { id: 'u' } })
  t.strictSame(
    asked.map(({ line, headers }) => [line, headers.authorization]),
    [
      ['POST /v1/token/refresh', undefined],
      ['GET /v1/me', 'Bearer a2'],
    ],
  )
})

t.test('a renewal whose answer was lost is asked again with the same token', async (t) => {
  const { baseUrl, asked } = await between(t, hangUp, renewed, me)
  const storage = await signedIn({ fresh: false })
  t.match(await createClient({ baseUrl, storage }).getMe(), { user: { id: 'u' } })
  t.strictSame(
    asked.map(({ body }) => body),
    ['{"refreshToken":"r1"}', '{"refreshToken":"r1"}', ''],
  )
  t.match(await storage.get('session'), 'r2')
})

t.test('a slow renewal neither undoes a sign-out nor replaces a sign-in that came meanwhile', async (t) => {
  for (const meanwhile of [undefined, { ...sessionOf('9'), id: 'other' }]) {
    const held: (() => void)[] = []
    const { baseUrl } = await between(t, (response, request) => held.push(() => renewed(response, request)), me)
    const storage = await signedIn({ fresh: false })
    const client = createClient({ baseUrl, storage })
    const work = client.accessToken()
    work.catch(() => undefined)
    while (held.length === 0) await sleep(5)
    if (meanwhile === undefined) await storage.clear('session')
    else await storage.set('session', JSON.stringify({ ...meanwhile, freshUntilMs: Date.now() + 600_000 }))
    held[0]?.()
    if (meanwhile === undefined) {
      t.match(await refusal(work), { code: 'token.invalid' })
      t.notOk(await storage.get('session'))
    } else {
      t.equal(await work, 'a9')
      t.match(await storage.get('session'), 'r9')
    }
  }
})

t.test('who no longer waits for a sign-in is not signed in by it', async (t) => {
  const caller = new AbortController()
  const storage = inMemory()
  const client = createClient({
    storage,
    fetch: async () => {
      caller.abort(new Error('he went away'))
      return new Response(JSON.stringify({ user: {}, session: sessionOf('1') }))
    },
  })
  const work = client.signInWithPassword({ identifier: 'asha', password: 'p' }, { signal: caller.signal })
  await t.rejects(work, { message: 'he went away' })
  await sleep(20)
  t.notOk(await storage.get('session'))
})

t.test('an id is never another path', async (t) => {
  const { baseUrl, asked } = await between(t, me)
  const client = createClient({ baseUrl })
  for (const id of ['', '.', '..']) await t.rejects(client.getChallenge({ id }), TypeError)
  await client.getChallenge({ id: '../me?a=b#c' })
  t.strictSame(
    asked.map(({ line }) => line),
    ['GET /v1/challenges/..%2Fme%3Fa%3Db%23c'],
  )
})

t.test('messages are asked for in the language of the app, as it is at the time', async (t) => {
  const { baseUrl, asked } = await between(t, json(202, { challenge: {} }))
  let language = 'hi'
  const client = createClient({ baseUrl: `${baseUrl}/`, language: () => language })
  await client.signUp({ phone: '+1' })
  language = 'pt-BR'
  await client.signUp({ phone: '+1' })
  t.strictSame(
    asked.map(({ line, headers }) => [line, headers['accept-language']]),
    [
      ['POST /v1/signup', 'hi'],
      ['POST /v1/signup', 'pt-BR'],
    ],
  )
})

t.test('a device whose clock is wrong counts down by that of the service', async (t) => {
  const aheadMs = 3_600_000
  const date = new Date(Date.now() + aheadMs).toUTCString()
  const { baseUrl } = await between(t, json(202, { challenge: {} }, { date }))
  const client = createClient({ baseUrl })
  t.ok(Math.abs(client.now() - Date.now()) < 1_000)
  await client.signUp({ phone: '+1' })
  t.ok(Math.abs(client.now() - Date.now() - aheadMs) < 5_000)
})
