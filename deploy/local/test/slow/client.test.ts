import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { calls } from '@latchkey/client/calls'
import { type ClientOptions, createClient } from '@latchkey/client'
import { isRefusal, type Refusal } from '@latchkey/client/refusal'
import { inMemory, type TokenStorage } from '@latchkey/client/storage'
import { startProxy } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { root } from '../../src/places.js'
import { codeFromInbox, journey, newPerson, password, randomPhone } from '../journey/journey.js'

/** What all tabs of one browser see. */
function sharedStorage(): TokenStorage {
  return { ...inMemory(), sharedAs: randomUUID() }
}

/** Web Locks, for runtimes that have none: one holder a name, in the order of asking. */
function browserLocks(): NonNullable<ClientOptions['locks']> {
  let last: Promise<unknown> = Promise.resolve()
  return {
    request: (_name, _options, work) => {
      const mine = last.then(work)
      last = mine.catch(() => undefined)
      return mine
    },
  }
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

const refresh = 'POST /v1/token/refresh'

/** Calls again when told to: on a busy machine a service may have no time, and says so. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isRefusal(error, 'unavailable')) throw error
      await sleep(error.retryInMs ?? 1_000)
    }
  }
}

t.test('the client, with real services', async (t) => {
  const { stack, call } = await journey(t)

  /** A client of the gateway, or of a door in front of it, and how often it asked what, and was given a renewed session. */
  function app(options: ClientOptions = {}) {
    const asked: Record<string, number> = {}
    let renewals = 0
    const client = createClient({
      baseUrl: stack.gatewayUrl,
      ...options,
      fetch: async (url, init) => {
        const line = `${init?.method} ${new URL(new Request(url).url).pathname}`
        asked[line] = (asked[line] ?? 0) + 1
        const answer = await fetch(url, init)
        if (answer.ok && line === refresh) renewals += 1
        return answer
      },
    })
    t.teardown(client.close)
    return { client, asked, renewals: () => renewals }
  }
  const signedIn = async (options: ClientOptions = {}) => {
    const { phone } = await newPerson(call)
    const opened = app(options)
    await opened.client.signInWithPassword({ identifier: phone, password })
    return { phone, ...opened }
  }
  /** What is stored is changed as told: by time, or by the service. */
  async function change(storage: TokenStorage, to: object) {
    const kept = JSON.parse((await storage.get('session')) ?? '') as object
    await storage.set('session', JSON.stringify({ ...kept, ...to }))
  }
  const ranOut = { freshUntilMs: 0 }

  t.test('the example of the README does what it says', async (t) => {
    const readme = readFileSync(join(root, 'libs/client/README.md'), 'utf8')
    const example = /```js\n([^]*?)```/.exec(readme)?.[1] ?? ''
    t.ok(example.trim().split('\n').length <= 10)
    const phone = randomPhone()
    const code = example.replace('http://localhost:3000', stack.gatewayUrl).replace('+919876543210', phone)
    const asks = `globalThis.askThePerson = async () => {
      for (;;) {
        const [sms] = await (await fetch('${stack.gatewayUrl}/dev/inbox?to=${encodeURIComponent(phone)}', { headers: { accept: 'application/json' } })).json()
        if (sms !== undefined) return sms.code
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }\n`
    const { stdout, status } = await node(asks + code)
    t.equal(stdout, `Signed in as ${phone}\n`)
    t.equal(status, 0)
  })

  t.test('every call that a running gateway serves has its method, and none is served no more', async (t) => {
    const { body } = await call('GET', '/openapi.json')
    const served = Object.entries(body.paths as Record<string, object>)
      .filter(([path]) => path.startsWith('/v1/'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`))
    const spoken = Object.values(calls).map(([method, path]) => `${method} /v1${path.replace(/:(\w+)/g, '{$1}')}`)
    t.strictSame(spoken.sort(), served.sort())
  })

  t.test('a person signs up, is refused in types, and stays known to the service after a sign-out', async (t) => {
    const storage = inMemory()
    const { client } = app({ storage })
    const phone = randomPhone()
    t.match(await refusal(client.signUp({ phone: 'no phone' })), {
      code: 'request.invalid',
      status: 400,
      errors: [{ path: '/phone' }],
    })
    const { challenge } = await client.signUp({ phone, password })
    const code = await codeFromInbox(call, phone)
    const wrong = code === '000000' ? '111111' : '000000'
    t.match(await refusal(client.answerChallenge({ id: challenge.id, code: wrong })), {
      code: 'challenge.wrong',
      attemptsLeft: challenge.attemptsLeft - 1,
    })
    const tooSoon = await refusal(client.resendChallenge({ id: challenge.id }))
    t.match(tooSoon, { code: 'rate.limited', status: 429, retryAt: challenge.resendAt })
    t.ok((tooSoon.retryInMs ?? 0) > 0 && (tooSoon.retryInMs ?? 0) <= 30_000)
    const answer = await client.answerChallenge({ id: challenge.id, code })
    t.strictSame(Object.keys('session' in answer ? answer.session : {}), ['id'], 'no token is handed out')
    t.match(await client.patchMe({ name: 'Asha' }), { user: { phone, name: 'Asha' } })
    const device = await storage.get('device')
    t.equal(await client.endSession(), undefined)
    t.match(await refusal(client.getMe()), { code: 'token.invalid' })
    t.equal(await storage.get('device'), device)
    await client.signInWithPassword({ identifier: phone, password })
    t.not(await storage.get('device'), device, 'it was sent, and a new one came for it')
    t.match(await client.listSessions(), { sessions: [{ current: true }] })
    t.equal(await client.deleteMe({ password }), undefined)
    t.notOk((await storage.get('session')) ?? (await storage.get('device')), 'nothing is left of who is gone')
  })

  t.test(
    'a hundred calls with an access token that ran out, or that the service refuses, are one renewal',
    async (t) => {
      const storage = inMemory()
      const { client, renewals } = await signedIn({ storage })
      for (const [turn, change_] of [ranOut, { accessToken: 'refused' }].entries()) {
        await change(storage, change_)
        const answers = await Promise.all(Array.from({ length: 100 }, () => patiently(client.getMe)))
        t.equal(new Set(answers.map(({ user }) => user.id)).size, 1)
        t.equal(renewals(), turn + 1)
      }
      t.match(await client.refreshSession(), { session: { id: /./ } })
      t.equal(renewals(), 3, 'and one is had for the asking')
    },
  )

  t.test('ten tabs that wake at once renew once; without locks each stays signed in all the same', async (t) => {
    for (const locks of [browserLocks(), undefined]) {
      const storage = sharedStorage()
      const { phone } = await signedIn({ storage })
      const tabs = Array.from({ length: 10 }, () => app({ storage, ...(locks !== undefined && { locks }) }))
      for (let turn = 1; turn <= 2; turn += 1) {
        await change(storage, ranOut)
        const answers = await Promise.all(tabs.map(({ client }) => patiently(client.getMe)))
        for (const { user } of answers) t.equal(user.phone, phone)
        if (locks !== undefined)
          t.equal(
            tabs.reduce((sum, { renewals }) => sum + renewals(), 0),
            turn,
          )
      }
    }
  })

  t.test('a sign-out in one tab is one in all, and so is a sign-in', async (t) => {
    const storage = sharedStorage()
    const { client, phone } = await signedIn({ storage })
    const other = app({ storage })
    const told: (string | null)[] = []
    other.client.watch((session) => told.push(session?.id ?? null))
    await eventually('who is signed in', async () => told.length === 1)
    await client.endSession()
    await eventually('the sign-out', async () => told.length === 2)
    t.match(await refusal(other.client.getMe()), { code: 'token.invalid' })
    t.strictSame(other.asked, {}, 'nothing is sent of a session that is over')
    await client.signInWithPassword({ identifier: phone, password })
    await eventually('the sign-in', async () => told.length === 3)
    t.match(told, [/./, null, /./])
    t.match(await other.client.getMe(), { user: { phone } })
  })

  t.test('a session that was ended elsewhere ends here, once', async (t) => {
    const { client, phone, asked } = await signedIn()
    const told: unknown[] = []
    client.watch((session) => told.push(session))
    const elsewhere = app()
    await elsewhere.client.signInWithPassword({ identifier: phone, password })
    await elsewhere.client.endSession({ all: true })
    for (const { code } of await Promise.all(Array.from({ length: 20 }, () => refusal(client.getMe()))))
      t.equal(code, 'token.invalid')
    t.equal(asked[refresh], 1)
    t.match(told, [{ id: /./ }, null])
    t.equal(told.length, 2)
    t.equal(await client.endSession(), undefined, 'there is nothing to end')
  })

  t.test('offline and back: nobody is signed out by a network, nor by an answer that was lost', async (t) => {
    const { port } = new URL(stack.gatewayUrl)
    const network = await startProxy({ host: '127.0.0.1', port: Number(port) })
    t.teardown(() => network.close())
    const storage = inMemory()
    const { client, phone, asked } = await signedIn({ storage, baseUrl: `http://127.0.0.1:${network.port}` })
    await network.cut()
    await change(storage, ranOut)
    t.match(await refusal(client.getMe()), { code: 'network.failed' })
    await network.mend()
    t.match(await client.getMe(), { user: { phone } })

    const elsewhere = app()
    await elsewhere.client.signInWithPassword({ identifier: phone, password })
    const lastUsed = async () =>
      (await elsewhere.client.listSessions()).sessions.find(({ current }) => !current)?.lastUsedAt
    const before = await lastUsed()
    const sent = asked[refresh] ?? 0
    await change(storage, ranOut)
    network.swallowAnswers()
    const work = client.getMe()
    await eventually('the renewal whose answer is lost', async () => (await lastUsed()) !== before)
    await network.cut()
    await network.mend()
    t.match(await work, { user: { phone } }, 'it was asked again, and answered the same')
    t.ok((asked[refresh] ?? 0) - sent >= 2)
  })

  t.test('messages come in the language that the app asks for', async (t) => {
    for (const [language, words] of [
      ['pt-BR', / é o seu PIN\. /],
      ['ar', /^\u200f\u200eLatchkey\u200e:\u200f \d{6} هو رمزك/],
      ['de', / is your code\. /],
    ] as const) {
      const phone = randomPhone()
      await app({ language }).client.signUp({ phone })
      await codeFromInbox(call, phone)
      const { body } = await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)
      t.match(body, [{ body: words }], language)
    }
  })

  t.test('who signs out offline is signed out here, and learns that the service was not told', async (t) => {
    const storage = inMemory()
    const { phone } = await signedIn({ storage })
    const { client } = app({ storage, baseUrl: 'http://127.0.0.1:9' })
    t.match(await refusal(client.endSession()), { code: 'network.failed' })
    t.notOk(await storage.get('session'))
    t.ok(phone)
  })
})

/** Runs a module as an app of this workspace would be. */
async function node(code: string): Promise<{ stdout: string; status: number | null }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    cwd: join(root, 'deploy/local'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  return new Promise((resolve) => child.on('close', (status) => resolve({ stdout, status })))
}
