import { randomBytes } from 'node:crypto'
import { eventually, testStores } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { generateKeys } from '../../src/keys.js'
import { query } from '../../src/postgres.js'
import { type Stack, startStack } from '../../src/stack.js'
import { driveFaces } from '../dialects/canaries.js'
import { breakJobs, breakUsers, driveAll, keepingRefusals } from './all-flows.js'
import { type Canaries, findLeaks, noCanaries } from './canaries.js'
import { inPostgres, inProcessList, inRedis, onBoard, onOpsPorts } from './hiding-places.js'
import { type Call, caller, randomPhone, type twilioStandIn } from './journey.js'

const boardPassword = randomBytes(18).toString('base64url')

/** Every secret that a configuration holds. */
export const secretKeys = () => ({ ...generateKeys(), BOARD_PASSWORD: boardPassword })

interface SecretStack {
  readonly stack: Stack
  readonly call: Call
  readonly canaries: Canaries
  readonly refusals: string[]
}

/** Services that log all there is to log, on stores that want passwords. Keys and passwords are canaries too. */
export async function secretStack(t: Test, env: Record<string, string> = {}): Promise<SecretStack> {
  const canaries = noCanaries()
  const { databaseUrl, redisUrl } = await lockedStores(t, canaries)
  const keys = secretKeys()
  canaries.tokens.push(...Object.values(keys))
  const stack = await startStack({
    databaseUrl,
    redisUrl,
    env: { EXEMPT_CLIENTS: '127.0.0.0/8', LOG_LEVEL: 'trace', ...keys, ...env },
  })
  t.teardown(() => stack.stop())
  return { stack, canaries, ...keepingRefusals(caller(t, stack.gatewayUrl)) }
}

/** The stores of this run, entered by a name and a password that nobody else has. */
async function lockedStores(t: Test, { tokens }: Canaries): Promise<{ databaseUrl: string; redisUrl: string }> {
  const { databaseUrl, redisUrl } = testStores()
  const [name, password] = [`canary_${randomBytes(4).toString('hex')}`, randomBytes(16).toString('hex')]
  tokens.push(password)
  await query(databaseUrl, `create role ${name} superuser login password '${password}'`)
  t.teardown(() => query(databaseUrl, `drop role ${name}`))
  const redis = new Redis(redisUrl)
  await redis.acl('SETUSER', name, 'on', `>${password}`, '~*', '&*', '+@all')
  t.teardown(async () => {
    await redis.acl('DELUSER', name)
    redis.disconnect()
  })
  const enter = (url: string) => Object.assign(new URL(url), { username: name, password }).href
  return { databaseUrl: enter(databaseUrl), redisUrl: enter(redisUrl) }
}

interface Searched extends SecretStack {
  readonly codeOf: (phone: string, count: number) => Promise<string>
  readonly messagesTo: (phone: string) => Promise<readonly { readonly body: string }[]>
  readonly carrier?: Pick<Awaited<ReturnType<typeof twilioStandIn>>, 'order' | 'report' | 'text'>
}

/** Drives every flow and every failure, then looks everywhere. */
export async function searchEverything(t: Test, { carrier, ...driven }: Searched): Promise<void> {
  const { stack, call, canaries, refusals, codeOf } = driven
  await driveAll(driven)
  await driveFaces(driven)
  if (carrier !== undefined) {
    await quotingCarrier({ call, canaries, codeOf, carrier })
    await callingCarrier(driven, carrier)
  }
  const planted = await breakJobs(stack, canaries)
  await breakUsers(driven)
  await failedStarts(stack, canaries)

  const clean = (text: string, where: string, hidden: Partial<Canaries> = canaries) =>
    t.same(findLeaks(text, { ...noCanaries(), ...hidden }), [], where)
  clean(stack.logs(), 'logs, and what was printed by a process that failed')
  clean(await inRedis(stack.redisUrl, planted), 'Redis')
  clean(await onOpsPorts(stack), 'metrics and health')
  const board = await onBoard(stack, boardPassword)
  clean(board, 'the queue dashboard and dead letters')
  // Those that are dead: one that is still tried is between two pages now and then.
  const dead = planted.filter((id) => id.endsWith('misshapen'))
  t.ok(dead.length > 0)
  t.same(
    dead.filter((id) => !board.includes(id)),
    [],
    'which tell of the jobs that failed',
  )
  t.ok(refusals.length >= 15, `${refusals.length} refusals`)
  clean(refusals.join('\n'), 'what refusals say')
  clean(await (await fetch(`${stack.gatewayUrl}/openapi.json`)).text(), 'the OpenAPI document')
  clean(inProcessList(), 'the process list')
  const tables = await inPostgres(stack.databaseUrl)
  t.ok(tables.size >= 7, `${tables.size} tables`)
  for (const [name, rows] of tables) {
    if (!aboutPeople.has(name)) clean(rows, `the table ${name}`)
    else
      clean(rows, `secrets in the table ${name}`, {
        tokens: canaries.tokens,
        codes: canaries.codes,
        texts: passwords(canaries),
      })
  }
  t.comment(`${Object.values(canaries).flat().length} canaries, ${stack.logs().split('\n').length} lines of log`)
}

/** Tables whose rows say who somebody is. */
const aboutPeople: ReadonlySet<string> = new Set(['users', 'phone_undos'])

const passwords = ({ texts }: Canaries) => texts.filter((text) => /password|guess/.test(text))

/** Carriers repeat the number and the text in what they refuse, and in what they break off. */
async function quotingCarrier({
  call,
  canaries,
  codeOf,
  carrier,
}: Pick<Searched, 'call' | 'canaries' | 'codeOf'> & Required<Pick<Searched, 'carrier'>>): Promise<void> {
  const faults = ['error-200', 'html-200', 'truncated', '503', '429', 'refuse'] as const
  await Promise.all(
    faults.map(async (fault) => {
      const phone = randomPhone()
      canaries.phones.push(phone)
      await carrier.order({ to: phone, fault, times: 1, ms: 1_000 })
      const { body } = await call('POST', '/v1/signup', { phone })
      if (fault !== 'refuse') canaries.codes.push(await codeOf(phone, 1))
      else
        await eventually('the refusal to be known', async () => {
          const seen = await call('GET', `/v1/challenges/${body.challenge.id}`)
          return seen.body.delivery === 'failed'
        })
    }),
  )
}

/** Receipts and texts carry the number; so do those that nobody signed. */
async function callingCarrier(
  { stack, call, canaries }: Pick<Searched, 'stack' | 'call' | 'canaries'>,
  carrier: Required<Searched>['carrier'],
): Promise<void> {
  const [texting, refused] = [randomPhone(), randomPhone()]
  canaries.phones.push(texting, refused)
  const url = `${stack.workerUrl}/inbound/twilio`
  const note = `canary ${randomBytes(8).toString('hex')}`
  canaries.texts.push(note)
  for (const body of ['STOP', note]) {
    await carrier.text({ url, from: texting, body })
    await carrier.text({ url, from: texting, body, forged: true })
  }
  await carrier.report({ to: refused, how: 'forged', ending: 'failed', code: 21610 })
  const { body } = await call('POST', '/v1/signup', { phone: refused })
  await eventually('the receipt to be known', async () => {
    const seen = await call('GET', `/v1/challenges/${body.challenge.id}`)
    return seen.body.delivery === 'failed'
  })
  const { rows } = await query<{ word: string }>(stack.databaseUrl, 'select word from opt_out_words order by word')
  if (rows.map(({ word }) => word).join() !== 'refused,stop') throw new Error('a word was not heard')
}

/** Services that cannot start: with a configuration that is wrong, and with stores that do not let them in. */
async function failedStarts(stack: Stack, { tokens }: Canaries): Promise<void> {
  const wrong = randomBytes(16).toString('hex')
  tokens.push(wrong)
  await stack.processes.users.stop('SIGTERM', 5_000)
  const misconfigured = await stack.launch('users', { TOKEN_KEYS: `k1:${wrong}`, INTERNAL_SECRET: wrong.slice(0, 31) })
  await misconfigured.ended
  await stack.processes['sms-worker'].stop('SIGTERM', 5_000)
  // Some Redis let anybody in who gives no name, but none an unknown one.
  const redisUrl = Object.assign(new URL(stack.redisUrl), { username: 'stranger', password: wrong }).href
  const shutOut = await stack.launch('sms-worker', { REDIS_URL: redisUrl, QUEUE_REDIS_URL: redisUrl })
  await eventually('it to complain', async () => stack.logs().includes('WRONGPASS'))
  await shutOut.stop('SIGTERM', 5_000)
  await stack.restart('sms-worker')
  await stack.restart('users')
}
