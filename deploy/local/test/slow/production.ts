import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, freePort } from '@latchkey/kit/testing'
import pg from 'pg'
import type { Test } from 'tap'
import { type ServiceName, serviceNames } from '../../src/env.js'
import { type Stack, startStack } from '../../src/stack.js'
import { type Call, caller, centralStandIn, password, randomPhone, twilioStandIn } from '../journey/journey.js'
import { ownPostgresServer, ownRedisServer, type Server } from './servers.js'

/** One message that the carrier took. */
export interface Accept {
  readonly sid: string
  readonly to: string
  readonly body: string
  readonly at: string
}

export interface Production {
  readonly stack: Stack
  readonly call: Call
  readonly redis: Server
  readonly postgres: Server
  readonly order: Awaited<ReturnType<typeof twilioStandIn>>['order']
  readonly report: Awaited<ReturnType<typeof twilioStandIn>>['report']
  readonly text: Awaited<ReturnType<typeof twilioStandIn>>['text']
  /** Takes back what was ordered for a number at Twilio. */
  withdraw(to: string): Promise<void>
  /** The second carrier, where there are two. */
  readonly central?: Awaited<ReturnType<typeof centralStandIn>>
  readonly carrierUrl: string
  /** What the carriers took so far, oldest first; what it says is at most this old (ms). */
  ledger(maxAgeMs?: number): Promise<readonly Accept[]>
  /** The code the carrier was given for a number. */
  codeFor(phone: string, withinMs?: number): Promise<string>
  sql<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** What `/ready` or `/live` of a service says: its status, or 0 where nobody answers. */
  health(name: ServiceName, what?: 'ready' | 'live'): Promise<number>
  readyAgain(withinMs?: number): Promise<void>
  /** How many used codes the fence has turned away, by what Redis knew. */
  fenced(): Promise<{ forgot: number; unsure: number }>
}

interface ProductionOptions {
  readonly env?: Record<string, string>
  /** MessageCentral beside Twilio. */
  readonly twoCarriers?: boolean
  /** What the worker takes for its carriers, where something stands in between. */
  readonly carriersUrl?: (direct: string) => Promise<string>
  /** What users takes for its database, where something stands in between. */
  readonly databaseUrl?: (direct: string) => Promise<string>
  /** What the gateway takes for users, where something stands in between. */
  readonly usersUrl?: (direct: string) => Promise<string>
}

/** The services as they are deployed: production configuration, a carrier, and stores of their own that may be killed. */
export async function production(
  t: Test,
  { env = {}, twoCarriers = false, carriersUrl, databaseUrl, usersUrl }: ProductionOptions = {},
): Promise<Production> {
  const [redis, postgres, twilio] = await Promise.all([ownRedisServer(t), ownPostgresServer(t), twilioStandIn(t)])
  const central = twoCarriers ? await centralStandIn(t) : undefined
  const second = central === undefined ? {} : { ...central.env, SMS_PROVIDERS: 'twilio,messagecentral' }
  const doors =
    carriersUrl === undefined
      ? {}
      : {
          TWILIO_API_BASE_URL: await carriersUrl(twilio.env.TWILIO_API_BASE_URL),
          ...(central !== undefined && { MESSAGECENTRAL_API_BASE_URL: await carriersUrl(central.url) }),
        }
  const between = usersUrl === undefined ? {} : await inFrontOfUsers(usersUrl)
  const stack = await startStack({
    redisUrl: redis.url,
    databaseUrl: databaseUrl === undefined ? postgres.url : await databaseUrl(postgres.url),
    ownStores: true,
    mode: 'production',
    env: { SMS_COUNTRIES: 'IN', EXEMPT_CLIENTS: '127.0.0.0/8', ...twilio.env, ...second, ...doors, ...between, ...env },
  })
  t.teardown(async () => {
    if (!t.passing()) t.comment(troubles(stack.logs()))
    await stack.stop()
  })
  const sql: Production['sql'] = async (text, values = []) => {
    const client = new pg.Client({ connectionString: postgres.url })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query(text, [...values])).rows
    } finally {
      await client.end()
    }
  }
  await watchStates(sql)
  const carrierUrl = twilio.env.TWILIO_API_BASE_URL
  const carriers = [carrierUrl, ...(central === undefined ? [] : [central.url])].map((url) => caller(t, url))
  const ledger = createLedger(carriers)
  const health: Production['health'] = (name, what = 'ready') =>
    fetch(`${stack.opsUrls[name]}/${what}`, { signal: AbortSignal.timeout(3_000) }).then(
      async ({ status, body }) => body?.cancel().then(() => status) ?? status,
      () => 0,
    )
  return {
    stack,
    redis,
    postgres,
    ledger,
    sql,
    health,
    fenced: async () => {
      const text = await fetch(`${stack.opsUrls.users}/metrics`).then((answer) => answer.text())
      const count = (redis: string) =>
        Number(new RegExp(`^latchkey_used_codes_fenced_total{.*redis="${redis}".*} (\\d+)$`, 'm').exec(text)?.[1])
      return { forgot: count('forgot'), unsure: count('unsure') }
    },
    call: caller(t, stack.gatewayUrl),
    order: twilio.order,
    report: twilio.report,
    text: twilio.text,
    withdraw: async (to) =>
      void (await fetch(`${carrierUrl}/faults?to=${encodeURIComponent(to)}`, { method: 'DELETE' })),
    ...(central !== undefined && { central }),
    carrierUrl,
    codeFor: (phone, withinMs = 30_000) => waitForCode(ledger, phone, withinMs),
    readyAgain: async (withinMs = 30_000) => {
      for (const name of serviceNames)
        await eventually(`${name} to be ready`, async () => (await health(name)) === 200, withinMs)
    },
  }
}

/** Where the gateway finds users is known before users is started: its port is chosen here. */
async function inFrontOfUsers(usersUrl: (direct: string) => Promise<string>): Promise<Record<string, string>> {
  const port = await freePort()
  return { USERS_PORT: String(port), USERS_URL: await usersUrl(`http://127.0.0.1:${port}`) }
}

/** One look at the ledger serves all who wait for their codes. */
function createLedger(carriers: readonly Call[]): Production['ledger'] {
  let look: { at: number; found: Promise<readonly Accept[]> } | undefined
  async function read(): Promise<readonly Accept[]> {
    const each = await Promise.all(carriers.map(async (call): Promise<Accept[]> => (await call('GET', '/ledger')).body))
    return each.length === 1 ? (each[0] ?? []) : each.flat().toSorted((a, b) => a.at.localeCompare(b.at))
  }
  return (maxAgeMs = 0) => {
    if (look === undefined || performance.now() - look.at >= maxAgeMs) look = { at: performance.now(), found: read() }
    return look.found
  }
}

async function waitForCode(ledger: Production['ledger'], phone: string, withinMs: number): Promise<string> {
  const end = performance.now() + withinMs
  for (;;) {
    const accept = (await ledger(200)).findLast(({ to }) => to === phone)
    if (accept !== undefined) return codeIn(accept)
    if (performance.now() > end) throw new Error(`no code came within ${withinMs} ms`)
    await sleep(100)
  }
}

export const codeIn = ({ body }: Pick<Accept, 'body'>): string => /\d{6}/.exec(body)?.[0] ?? ''

/** Postgres itself writes down every state that goes down, or from one end to another: no poll could see them all. */
async function watchStates(sql: Production['sql']): Promise<void> {
  await sql('create table state_falls (id uuid, was text, became text)')
  await sql(`create function note_fall() returns trigger language plpgsql as $$
    begin insert into state_falls values (new.id, old.state, new.state); return new; end $$`)
  await sql(`create trigger note_fall before update on sms_messages for each row
    when (new.rank < old.rank or (new.rank = old.rank and new.state <> old.state)) execute function note_fall()`)
}

/** Someone with an open sign-up and its code, not yet used. */
export async function someoneWithCode({ call, codeFor }: Pick<Production, 'call' | 'codeFor'>) {
  const phone = randomPhone()
  const { status, body } = await call('POST', '/v1/signup', { phone })
  if (status !== 202) throw new Error(`a sign-up was answered with ${status}`)
  const { id } = body.challenge
  return { phone, id, code: await codeFor(phone), answerPath: `/v1/challenges/${id}/answer` }
}

/** Someone with an account, a password and a session. */
export async function someoneSignedUp({ call, codeFor }: Pick<Production, 'call' | 'codeFor'>) {
  const phone = randomPhone()
  const { status, body } = await call('POST', '/v1/signup', { phone, password })
  // A crowd that is hashed for too long is told to come again, and no code is on its way.
  if (status !== 202) throw new Error(`a sign-up was answered with ${status}`)
  const code = await codeFor(phone)
  const answered = await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })
  if (answered.status !== 201) throw new Error(`an answer was answered with ${answered.status}`)
  return { phone, session: answered.body.session }
}

/** What the services have to say when a test goes wrong: warnings and worse, each once, with how often it was said. */
function troubles(logs: string): string {
  const said = new Map<string, number>()
  for (const line of logs.split('\n').filter((text) => /"level":[456]0,/.test(text))) {
    const { service, msg, err } = JSON.parse(line) as { service: string; msg: string; err?: { message?: string } }
    const text = `${service}: ${msg}${err?.message === undefined ? '' : ` (${err.message})`}`
    said.set(text, (said.get(text) ?? 0) + 1)
  }
  return [...said].map(([text, count]) => `${count} × ${text}`).join('\n')
}
