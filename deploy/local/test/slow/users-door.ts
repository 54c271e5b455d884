import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { Pool } from 'undici'

/** `late` does what is asked and tells it after 10 s; `silent` takes connections and requests, and does nothing. */
export type Manners = 'good' | 'late' | 'silent' | 'garbage'

export interface UsersDoor {
  readonly url: string
  /** How it treats every request from now on, and those that it still holds in silence. */
  behave(manners: Manners): void
}

const lateMs = 10_000

const garbage: readonly RequestListener[] = [
  (_request, response) => void response.writeHead(200).end('<html>Welcome to nginx!</html>'),
  (_request, response) => void response.writeHead(502).end('<html>Bad Gateway</html>'),
  (_request, response) => void response.writeHead(200).end('{"user":{"id":'),
  (_request, response) => void response.writeHead(200).end('{"user":null,"session":[]}'),
  (_request, response) => void response.writeHead(201).end('null'),
  (_request, response) => {
    response.writeHead(201, { 'content-length': '4000' })
    response.write('{"user":{}}', () => response.destroy())
  },
]

/** A door in front of users that can lose its manners. */
export async function startUsersDoor(t: Test, target: string): Promise<UsersDoor> {
  let manners: Manners = 'good'
  let turn = 0
  const pool = new Pool(target, { connections: 128 })
  const server = createServer((request, response) => {
    if (manners === 'silent') return
    if (manners === 'garbage') {
      turn += 1
      garbage[turn % garbage.length]?.(request, response)
      return
    }
    void pass(pool, request, response, manners === 'late' ? lateMs : 0).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await pool.destroy()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behave: (how) => void (manners = how),
  }
}

async function pass(pool: Pool, request: IncomingMessage, response: ServerResponse, delayMs: number): Promise<void> {
  const { host: _host, connection: _connection, ...headers } = request.headers
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const answer = await pool.request({
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    body: chunks.length > 0 ? Buffer.concat(chunks) : null,
  })
  const body = await answer.body.text()
  if (delayMs > 0) await sleep(delayMs, undefined, { ref: false })
  response.writeHead(answer.statusCode, { 'content-type': String(answer.headers['content-type'] ?? '') }).end(body)
}
