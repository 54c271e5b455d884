import { once } from 'node:events'
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError } from '@latchkey/kit/app-error'
import { eventually } from '@latchkey/kit/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Test } from 'tap'
import { createUsersClient } from '../src/users-client.js'

const caller = { requestId: 'test', face: 'v1', locale: 'en' }
/** Short where users never answers; on a busy machine an answer may well take longer. */
export const timeoutMs = 400
export const patientMs = 5_000
export const someMs = 1_500

/** What users says where all is well, by path. */
export const good: RequestListener = (request, response) => {
  if (request.url === '/internal/sessions/refresh' || request.url === '/internal/people/find-phone')
    return json(response, 200, { phone: '+919876543210', known: false })
  if (request.url?.startsWith('/internal/deliveries/')) return json(response, 200, { state: null, reason: null })
  return json(response, 401, problem('credentials.wrong', 401))
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export const problem = (code: string, status: number, more: object = {}) => ({
  type: '/docs/errors#x',
  title: 'x',
  status,
  code,
  detail: 'x',
  ...more,
})

/** A users that does as told, counted. */
export async function badUsers(t: Test, behaves: RequestListener, port = 0) {
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

export function clientOf(t: Test, url: string, withinMs = timeoutMs) {
  const metrics = new Registry()
  const said: { msg: string; calls: string }[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void said.push(JSON.parse(line)) })
  const users = createUsersClient({ url, secret: 'x'.repeat(32), timeoutMs: withinMs, log, metrics })
  t.teardown(() => users.close())
  return {
    users,
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
export async function outcome(ask: () => Promise<unknown>) {
  const began = performance.now()
  const [code, effect] = await ask().then(
    () => ['done', 'done'],
    (error: unknown) => (error instanceof AppError ? [error.code, error.effect] : ['unexpected', String(error)]),
  )
  return { code, effect, ms: performance.now() - began }
}

export const many = (count: number, ask: () => Promise<unknown>) =>
  Promise.all(Array.from({ length: count }, () => outcome(ask)))

/** Lets calls fail until the breaker keeps them away. */
export const breaks = ({ quick }: ReturnType<typeof clientOf>) =>
  eventually('the breaker to open', async () => {
    const told = await many(6, quick)
    return told.every(({ effect }) => effect === 'none')
  })

/** It takes what is asked and never answers. */
export const nothing: RequestListener = () => undefined
