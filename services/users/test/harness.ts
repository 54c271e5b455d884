import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { E164 } from '@latchkey/contracts/phone'
import type { proveRegistration, register } from '@latchkey/contracts/internal/registrations'
import type { SmsPrice } from '@latchkey/contracts/sms-prices'
import type { IssuedSession, PendingAccount } from '@latchkey/contracts/internal/users'
import type { User } from '@latchkey/contracts/v1/shapes'
import type { Key, KeyRing } from '@latchkey/kit/key-ring'
import { testStores } from '@latchkey/kit/testing'
import type { Kysely } from 'kysely'
import { Client } from 'pg'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import tap, { type Test } from 'tap'
import { buildApp } from '../src/app.js'
import type { Copy } from '../src/copies/copies.service.js'
import { createPasswordHasher, type PasswordHasher } from '../src/credentials/password-hasher.js'
import { type Database, openDatabase } from '../src/database.js'
import { type Copies, createServices } from '../src/deps.js'
import { createUsersMetrics } from '../src/metrics.js'
import { migrate } from '../src/migrations/index.js'

export const internalSecret = 'a secret of the test run, long enough'
export const silent = pino({ level: 'silent' })

/** A database of this test's own, empty, named after the given one, dropped at the end. */
export async function createDatabase(t: Pick<Test, 'teardown'>): Promise<string> {
  const { databaseUrl } = testStores()
  const name = `${new URL(databaseUrl).pathname.slice(1)}_${randomBytes(6).toString('hex')}`
  await sql(databaseUrl, `create database ${name} strategy file_copy`)
  t.teardown(() => sql(databaseUrl, `drop database ${name} with (force)`))
  const url = new URL(databaseUrl)
  url.pathname = `/${name}`
  return url.toString()
}

let ofThisFile: Promise<string> | undefined

/** The migrated database that the tests of one file share; each keeps to people of its own. */
function sharedDatabase(): Promise<string> {
  ofThisFile ??= createDatabase(tap).then(async (url) => {
    await migrate(url)
    return url
  })
  return ofThisFile
}

/** One statement on a connection of its own. */
export async function sql(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text, values)).rows
  } finally {
    await client.end()
  }
}

export const newKey = (id = randomBytes(4).toString('hex')): Key => ({ id, secret: randomBytes(32) })
export const newPhone = () => `+9198${String(randomInt(100_000_000)).padStart(8, '0')}` as E164
export const newChallengeId = () => `${randomBytes(2).toString('hex').slice(1)}.${randomBytes(16).toString('hex')}`

export interface Reply {
  status: number
  body: {
    code?: string
    user?: User
    session?: IssuedSession
    userId?: string
    conflicts?: string[]
    reasons?: string[]
    errors?: { path: string; message: string }[]
    [member: string]: unknown
  }
  headers: Record<string, unknown>
}

/** For tests in which nobody reads the copies. */
const noReader: Copy = {
  state: async () => ({ version: undefined, complete: false }),
  write: async () => false,
}

interface Options {
  copies?: Partial<Copies>
  url?: string
  ring?: KeyRing
  hasher?: PasswordHasher
  connections?: number
  prices?: readonly SmsPrice[]
  keptDays?: { deliveryLog: number; trace: number }
}

export type Harness = Awaited<ReturnType<typeof harness>>

/** The real app on a real database, with a clock that can be moved. */
export async function harness(
  t: Test,
  {
    url,
    ring = [newKey()],
    hasher,
    copies = {},
    connections = 10,
    prices = [],
    keptDays = { deliveryLog: 90, trace: 30 },
  }: Options = {},
) {
  const databaseUrl = url ?? (await sharedDatabase())
  let queries = 0
  let aheadMs = 0
  const opened: Kysely<Database> = openDatabase(databaseUrl, { log: silent, connections })
  const db = opened.withPlugin({
    transformQuery({ node }) {
      queries += 1
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const patientDb = openDatabase(databaseUrl, { log: silent, connections: 1, patient: true })
  const metrics = new Registry()
  const traceKey = newKey()
  const services = createServices({
    db,
    patientDb,
    ring,
    traceKey,
    prices,
    keptDays,
    copies: { optOuts: noReader, switches: noReader, ...copies },
    hasher: hasher ?? createPasswordHasher({ atOnce: 2 }),
    now: () => new Date(Date.now() + aheadMs),
    log: silent,
    metrics: createUsersMetrics(metrics),
  })
  const app = buildApp(services, { internalSecret, log: silent, metrics })
  t.teardown(async () => {
    await app.close()
    await Promise.all([opened.destroy(), patientDb.destroy()])
  })
  await app.ready()

  async function call(
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    payload?: object,
  ): Promise<Reply> {
    const { statusCode, headers, body } = await app.inject({
      method,
      url: `/internal${path}`,
      headers: { authorization: `Bearer ${internalSecret}` },
      ...(payload && { payload }),
    })
    return { status: statusCode, headers, body: body === '' ? {} : (JSON.parse(body) as Reply['body']) }
  }

  /** Creates an account and says how it was asked for. */
  async function signUp({ deviceToken, ...account }: Partial<PendingAccount> & { deviceToken?: string } = {}) {
    const phone = account.phone ?? newPhone()
    const challengeId = newChallengeId()
    const { status, body } = await patiently(() =>
      call('POST', '/sign-ups', {
        challengeId,
        face: 'v1',
        ...(deviceToken !== undefined && { deviceToken }),
        account: { ...blank, ...account, phone },
      }),
    )
    const { user, session, conflicts } = body
    if (status !== 201 || user === undefined || session === undefined) throw new Error(`sign-up: ${status}`)
    return { phone, challengeId, user, session, conflicts }
  }

  /** Registers on `staged`, or as it is asked for, and wants it to succeed. */
  async function register(asked: Partial<Registration> = {}) {
    const registration = newRegistration(asked)
    const { status, body } = await call('POST', '/registrations', registration)
    const { user, session } = body
    if (status !== 201 || user === undefined || session === undefined) throw new Error(`register: ${status}`)
    return { ...registration, user, session, taken: body['taken'] }
  }

  /** Answers the code of a registration. */
  const prove = (
    { user, phone, face }: { user: User; phone: E164 | null; face: string },
    more: Partial<BodyOf<typeof proveRegistration>> = {},
  ) =>
    call('POST', '/registrations/prove', {
      challengeId: newChallengeId(),
      registrationId: user.id,
      phone,
      face,
      signIn: false,
      ...more,
    })

  return {
    app,
    db,
    register,
    prove,
    services,
    traceKey,
    call,
    signUp,
    databaseUrl,
    advance: (ms: number) => void (aheadMs += ms),
    queries: () => queries,
    metrics: () => metrics.metrics(),
    refresh: (refreshToken: string, face = 'v1') => call('POST', '/sessions/refresh', { refreshToken, face }),
    signIn: (phone: string, deviceToken?: string) =>
      call('POST', '/sign-ins/phone', {
        challengeId: newChallengeId(),
        phone,
        face: 'v1',
        ...(deviceToken !== undefined && { deviceToken }),
      }),
    logIn: (kind: string, value: string, password: string, more: object = {}) =>
      call('POST', '/sign-ins/password', { identifier: { kind, value }, password, face: 'v1', ...more }),
    person: (sessionId: string) => call('GET', `/sessions/${sessionId}/user`),
  }
}

export const blank: Omit<PendingAccount, 'phone'> = {
  email: null,
  passwordHash: null,
  name: null,
  username: null,
  role: 'user',
  profile: {},
}

export type Registration = BodyOf<typeof register>

/** A registration nobody else's is in the way of. */
export const newRegistration = (asked: Partial<Registration> = {}): Registration => ({
  face: 'staged',
  client: randomUUID(),
  phone: newPhone(),
  ...newNames(),
  password: null,
  rules: 'lenient',
  name: null,
  role: 'user',
  profile: {},
  hideConflicts: false,
  ...asked,
})

/** An e-mail address and a username nobody else has. */
export const newNames = () => {
  const name = `n${randomUUID().slice(0, 13)}`
  return { email: `${name}@example.com`, username: name }
}

/** The real hasher, counted. */
export function counted(): PasswordHasher & { count: () => number } {
  const hasher = createPasswordHasher({ atOnce: 2 })
  let count = 0
  const one = <T>(made: T): T => {
    count += 1
    return made
  }
  return {
    hash: (text) => one(hasher.hash(text)),
    verify: (hashed, text) => one(hasher.verify(hashed, text)),
    inTurn: (work) => hasher.inTurn((verify) => work((hashed, text) => one(verify(hashed, text)))),
    isOutdated: hasher.isOutdated,
    count: () => count,
  }
}

/** The one that must be there. */
export function must<T>(value: T | undefined | null): T {
  if (value === undefined || value === null) throw new Error('something expected is missing')
  return value
}

/** On a busy machine a wait for a lock may be too long: who is told to come again, nothing being used up, comes again. */
export async function patiently(ask: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    const reply = await ask()
    if (reply.status !== 503) return reply
  }
}
