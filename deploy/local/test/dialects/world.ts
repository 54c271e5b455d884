import { randomBytes, randomInt } from 'node:crypto'
import { eventually, testStores } from '@latchkey/kit/testing'
import pg from 'pg'
import type { Test } from 'tap'
import { Pool } from 'undici'
import { type Stack, startStack } from '../../src/stack.js'
import { type Answer, type InboxMessage, readInbox } from '../journey/journey.js'
import { readDeclared } from './declared.js'

// What a front end of any face can do, and what a tester can beside it: be many clients, read the inbox, move time.

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export interface More {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is, instead of a body in JSON. */
  readonly raw?: string
}

/** Somebody's program behind an address. */
export interface Client {
  readonly address: string
  readonly agent: string
  call(method: Method, path: string, body?: unknown, more?: More): Promise<Answer>
}

export interface World {
  readonly stack: Stack
  /** A client nobody else is: another address and another program, unless they are named. */
  client(who?: { readonly address?: string; readonly agent?: string }): Client
  /** All messages to a phone, newest first, once none is under way: what is not among them was not sent. */
  inbox(phone: string): Promise<InboxMessage[]>
  /** Those that are there already. */
  arrived(phone: string): Promise<InboxMessage[]>
  /** The code of the newest message, once there are `count`. */
  code(phone: string, count?: number): Promise<string>
  /** The accounts and registrations that hold or claim an e-mail, as the database has them. */
  rowsOf(email: string): Promise<Record<string, unknown>[]>
  query(sql: string, ...values: unknown[]): Promise<Record<string, unknown>[]>
  /** Moves the clock of challenges forward, for all of the world: it never goes back. */
  later(seconds: number): Promise<void>
}

const oneOf16 = () => randomBytes(2).toString('hex')
export const randomAddress = (): string => `2001:db8:${oneOf16()}:${oneOf16()}::${oneOf16()}`

/** Somebody nobody else in this run is. The password keeps every face's rules. */
export function randomPerson() {
  const name = `p${randomBytes(6).toString('hex')}`
  return {
    phone: `+9198${String(randomInt(10 ** 8)).padStart(8, '0')}`,
    email: `${name}@example.com`,
    username: name,
    password: `of-${name}-alone`,
  }
}
export type Person = ReturnType<typeof randomPerson>

/** The stack behind a proxy that tells who calls, so that one test can be many clients. No answer goes by that its face does not document. */
export async function world(t: Test, env: Record<string, string> = {}, stores = testStores()): Promise<World> {
  const stack = await startStack({
    ...stores,
    env: { TRUST_PROXY: '127.0.0.0/8', LOG_LEVEL: 'debug', ...env },
  })
  const database = new pg.Pool({ connectionString: stack.databaseUrl, max: 2 })
  const query: World['query'] = async (sql, ...values) => (await database.query(sql, values)).rows
  const pool = new Pool(stack.gatewayUrl, { connections: 256 })
  t.teardown(async () => {
    await Promise.all([pool.destroy(), database.end()])
    await stack.stop()
  })
  const anybody = { address: randomAddress(), agent: 'a reader' }
  const holdToDeclared = await readDeclared((path) => send(pool, 'GET', path, undefined, anybody), env['ROOT_DIALECT'])
  const client: World['client'] = ({
    address = randomAddress(),
    agent = `agent ${randomBytes(6).toString('hex')}`,
  } = {}) => ({
    address,
    agent,
    call: async (method, path, body, more) => {
      const answer = await send(pool, method, path, body, { address, agent, ...more })
      holdToDeclared(method, path, answer)
      return answer
    },
  })
  const tester = client()
  const arrived: World['arrived'] = async (phone) =>
    (await tester.call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)).body
  let offsetMs = 0
  return {
    stack,
    client,
    inbox: readInbox(t, stack, tester.call),
    arrived,
    code: (phone, count = 1) =>
      eventually(`message ${count} to ${phone}`, async () => {
        const messages = await arrived(phone)
        return messages.length >= count && (messages[0]?.code ?? undefined)
      }),
    query,
    rowsOf: (email) =>
      query('select *, number::text from users where $1 in (lower(email), lower(claimed_email))', email.toLowerCase()),
    later: async (seconds) => {
      offsetMs += Math.round(seconds * 1_000)
      await tester.call('PUT', '/dev/clock', { offsetMs })
    },
  }
}

/** One request as a client behind the proxy makes it. */
export async function send(
  pool: Pool,
  method: Method,
  path: string,
  body: unknown,
  { address, agent, token, headers, raw }: More & { readonly address: string; readonly agent: string },
): Promise<Answer> {
  const text = raw ?? (body === undefined ? undefined : JSON.stringify(body))
  const answer = await pool.request({
    method,
    path,
    headers: {
      'x-forwarded-for': address,
      'user-agent': agent,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(text !== undefined && { body: text }),
  })
  const answered = await answer.body.text()
  const json = answer.headers['content-type']?.includes('json') === true
  return {
    status: answer.statusCode,
    headers: answer.headers,
    body: json ? JSON.parse(answered) : answered === '' ? null : answered,
  }
}
