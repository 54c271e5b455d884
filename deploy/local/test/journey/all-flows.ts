import { randomBytes, randomUUID } from 'node:crypto'
import { createLog } from '@latchkey/kit/log'
import { createProducer } from '@latchkey/kit/queue'
import { createRedis } from '@latchkey/kit/redis'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import { query } from '../../src/postgres.js'
import type { Stack } from '../../src/stack.js'
import type { Canaries } from './canaries.js'
import { type Answer, type Call, randomPhone } from './journey.js'

const word = (name: string) => `canary-${name}-${randomBytes(4).toString('hex')}`

interface Driven {
  readonly stack: Stack
  readonly call: Call
  readonly canaries: Canaries
  /** Codes as the person gets them. */
  readonly codeOf: (phone: string, count: number) => Promise<string>
  /** What was sent to a phone so far. */
  readonly messagesTo: (phone: string) => Promise<readonly { readonly body: string }[]>
  /** The body of every refusal. */
  readonly refusals: string[]
}

/** A way to call that keeps the body of every refusal. */
export function keepingRefusals(call: Call): { call: Call; refusals: string[] } {
  const refusals: string[] = []
  return {
    refusals,
    async call(...args) {
      const answer = await call(...args)
      if (answer.status >= 400) refusals.push(JSON.stringify([answer.body, answer.headers]))
      return answer
    },
  }
}

/** Every flow there is, right and wrong; all that must stand nowhere is added to the canaries. */
export async function driveAll(driven: Driven): Promise<void> {
  const { stack, call, canaries, codeOf, refusals } = driven
  const { texts, tokens, phones, codes } = canaries
  const phone = randomPhone()
  const person = {
    password: word('password'),
    name: `Canary ${word('name')}`,
    email: `${word('mail')}@example.com`,
    profile: { note: word('note') },
  }
  phones.push(phone)
  texts.push(person.password, person.name, person.email, person.profile.note)
  const code = async (count: number) => {
    const found = await codeOf(phone, count)
    codes.push(found)
    return found
  }
  const keep = ({ body }: Answer) => {
    const { refreshToken, accessToken, deviceToken } = body.session
    tokens.push(refreshToken, accessToken, deviceToken)
    return body.session
  }
  const wrong = (text: string) => {
    texts.push(text)
    return text
  }

  const { body } = await call('POST', '/v1/signup', { phone, ...person })
  const challenge = `/v1/challenges/${body.challenge.id}`
  await call('POST', `${challenge}/answer`, { code: '000001' })
  await call('POST', `${challenge}/resend`)
  await call('GET', challenge)
  const session = keep(await call('POST', `${challenge}/answer`, { code: await code(1) }))
  const refresh = { refreshToken: session.refreshToken }
  const { accessToken, refreshToken } = keep(await call('POST', '/v1/token/refresh', refresh))
  keep(await call('POST', '/v1/token/refresh', refresh))
  await call('POST', '/v1/token/refresh', { refreshToken: `${refreshToken.slice(0, -6)}AAAAAA` })
  await call('GET', '/v1/me', undefined, accessToken)
  await call('GET', '/v1/me', undefined, `${accessToken.slice(0, -6)}AAAAAA`)
  await call('PATCH', '/v1/me', { name: person.name }, accessToken)
  await call('PATCH', '/v1/me', { username: wrong(`Canary ${word('user')}`) }, accessToken)
  await call('PATCH', '/v1/me', { unknown: wrong(word('value')) }, accessToken)
  await call('POST', '/v1/login', { identifier: phone, password: wrong(word('guess')) })
  keep(await call('POST', '/v1/login', { identifier: person.email, password: person.password }))
  await call('POST', '/v1/login', { identifier: wrong(word('nobody')), password: person.password })
  await call('POST', '/v1/signup', { phone: wrong(word('phone')), password: person.password })
  await call('POST', '/v1/signup', { phone, password: person.password })
  const stranger = randomPhone()
  phones.push(stranger)
  await call('POST', '/v1/login/code', { phone: stranger })
  const byCode = await call('POST', '/v1/login/code', { phone })
  // The notice that somebody tried to sign up is a message too, and tells no code.
  const last = `/v1/challenges/${byCode.body.challenge.id}/answer`
  keep(await call('POST', last, { code: await code(3) }))
  const forgot = await call('POST', '/v1/password/forgot', { identifier: person.email })
  const reset = await call('POST', `/v1/challenges/${forgot.body.challenge.id}/answer`, { code: await code(4) })
  tokens.push(reset.body.resetToken)
  await lookAsAdmin(driven, { phones: [phone, stranger], accessToken })
  await rawRequests(stack.gatewayUrl, { texts, refusals, phone, accessToken })
  await driveMail(driven, { mailbox: person.email, accessToken, password: person.password })
  await driveChanges(driven, { phone, password: person.password, accessToken })
  await call('POST', '/v1/logout', { all: true }, accessToken)
  await call('GET', '/v1/me', undefined, accessToken)
}

/** What operators are told, and asked by: a number in a URL among it. */
async function lookAsAdmin(
  { stack, call }: Driven,
  { phones: [phone = '', stranger = ''], accessToken }: { phones: readonly string[]; accessToken: string },
): Promise<void> {
  const become = (role: string) =>
    query(stack.databaseUrl, `update users set role = '${role}' where phone = '${phone}'`)
  const ask = (about: string) =>
    call('GET', `/v1/admin/messages?phone=${encodeURIComponent(about)}`, undefined, accessToken)
  await ask(phone)
  await become('admin')
  for (const about of [phone, stranger])
    await eventually('the trace', async () => (await ask(about)).body.stories.length > 0)
  await ask(`${phone}x`)
  await call('GET', '/v1/admin/conversion', undefined, accessToken)
  await call('GET', '/v1/admin/audit', undefined, accessToken)
  await become('user')
}

interface SignedIn {
  readonly phone: string
  readonly password: string
  readonly accessToken: string
}

/** What could lose somebody his account. Afterwards the session is over. */
async function driveChanges(driven: Driven, { phone, password, accessToken }: SignedIn): Promise<void> {
  const { call, canaries, codeOf, messagesTo } = driven
  const { texts, tokens, phones, codes } = canaries
  const guess = word('guess')
  texts.push(guess)
  for (const secret of [guess, password])
    await call('PUT', '/v1/me/second-factor', { enabled: true, password: secret }, accessToken)
  const loggingIn = await call('POST', '/v1/login', { identifier: phone, password })
  const code = await codeOf(phone, 5)
  codes.push(code)
  const { body } = await call('POST', `/v1/challenges/${loggingIn.body.challenge.id}/answer`, { code })
  tokens.push(body.session.accessToken, body.session.refreshToken, body.session.deviceToken)

  async function move(token: string, secret: string): Promise<void> {
    const next = randomPhone()
    phones.push(next)
    await call('POST', '/v1/me/phone', { phone: next, password: guess }, token)
    const started = await call('POST', '/v1/me/phone', { phone: next, password: secret }, token)
    const sent = await codeOf(next, 1)
    codes.push(sent)
    await call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code: sent })
  }
  const undoToken = (of: string) =>
    eventually('the way to undo', async () => {
      const found = (await messagesTo(of)).map((message) => /[a-z]{28}$/.exec(message.body)?.[0])
      return found.find((token) => token !== undefined)
    })
  await move(accessToken, password)
  const token = await undoToken(phone)
  tokens.push(token)
  for (const presented of [token.slice(1), token]) await call('POST', '/v1/undo', { token: presented })

  // One who could still undo his change, and one who is gone.
  const [moved, removed] = [await newcomer(driven), await newcomer(driven)]
  await move(moved.accessToken, moved.password)
  tokens.push(await undoToken(moved.phone))
  for (const secret of [guess, removed.password])
    await call('DELETE', '/v1/me', { password: secret }, removed.accessToken)
}

/** What goes by mail, where any can be sent: the address that was only said is proved, and somebody signs up without a phone. */
async function driveMail(
  { call, canaries }: Driven,
  { mailbox, accessToken, password }: { mailbox: string; accessToken: string; password: string },
): Promise<void> {
  const inbox = (to: string) => call('GET', `/dev/inbox?to=${encodeURIComponent(to)}`)
  if ((await inbox(mailbox)).status !== 200) return
  const another = `${word('mail')}@example.com`
  canaries.texts.push(another)
  const started = [
    [mailbox, await call('POST', '/v1/me/email', { email: mailbox, password }, accessToken)],
    [another, await call('POST', '/v1/signup', { email: another, password })],
  ] as const
  for (const [to, { body }] of started) {
    const code = await eventually('a mail', async () => (await inbox(to)).body[0]?.code)
    canaries.codes.push(code)
    await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })
  }
}

async function newcomer({ call, canaries, codeOf }: Driven): Promise<SignedIn> {
  const [phone, password] = [randomPhone(), word('password')]
  canaries.phones.push(phone)
  canaries.texts.push(password)
  const started = await call('POST', '/v1/signup', { phone, password })
  const code = await codeOf(phone, 1)
  canaries.codes.push(code)
  const { body } = await call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code })
  const { accessToken, refreshToken, deviceToken } = body.session
  canaries.tokens.push(accessToken, refreshToken, deviceToken)
  return { phone, password, accessToken }
}

interface Raw {
  readonly texts: string[]
  readonly refusals: string[]
  readonly phone: string
  readonly accessToken: string
}

/** What no client of ours would send: secrets where they have no place, and bodies nobody can read. */
async function rawRequests(url: string, { texts, refusals, phone, accessToken }: Raw): Promise<void> {
  const mark = word('raw')
  texts.push(mark)
  const json = { 'content-type': 'application/json' }
  const requests: [string, RequestInit][] = [
    [`/v1/me?access_token=${accessToken}&phone=${encodeURIComponent(phone)}`, {}],
    [`/v1/challenges/${mark}`, {}],
    [`/v1/${mark}?to=${encodeURIComponent(phone)}`, { method: 'POST' }],
    ['/v1/me', { headers: { authorization: `Basic ${mark}`, 'x-request-id': mark, cookie: `session=${mark}` } }],
    ['/v1/login', { method: 'POST', headers: json, body: `{"password": "${mark}` }],
    ['/v1/login', { method: 'POST', headers: json, body: JSON.stringify({ password: mark.repeat(2_000) }) }],
    ['/v1/login', { method: 'POST', headers: { 'content-type': `text/${mark}` }, body: mark }],
  ]
  for (const [path, init] of requests) {
    const answer = await fetch(`${url}${path}`, init)
    refusals.push(JSON.stringify([await answer.text(), [...answer.headers]]))
  }
}

/** Errors of the database that quote rows and values, met by sign-ups. Afterwards users serves no account any more. */
export async function breakUsers({ stack, call, canaries, codeOf }: Omit<Driven, 'messagesTo'>): Promise<void> {
  const sql = (statement: string) => query(stack.databaseUrl, statement)
  const signUp = async () => {
    const person = { phone: randomPhone(), name: `Canary ${word('name')}`, password: word('password') }
    canaries.phones.push(person.phone)
    canaries.texts.push(person.name, person.password)
    const { body } = await call('POST', '/v1/signup', person)
    const code = await codeOf(person.phone, 1)
    canaries.codes.push(code)
    return () => call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })
  }
  const [first, second] = [await signUp(), await signUp()]
  await sql('alter table users add constraint no_more check (phone is null) not valid')
  await first()
  await sql('alter table users drop constraint no_more')
  await sql('alter table users alter column name type integer using 0')
  await second()
}

/** Jobs that fail for real: payloads nobody can read, and one that the database refuses. Gives the ids of those jobs. */
export async function breakJobs({ redisUrl, databaseUrl }: Stack, { texts, phones }: Canaries): Promise<string[]> {
  const log = createLog('test', 'silent')
  const redis = createRedis(redisUrl, { log, name: 'breaker', patience: 'request' })
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  const any = (name: string) => ({ name, version: 1, payload: {} })
  const [sms, events] = ['sms', 'delivery-event'].map((name) =>
    createProducer(any(name), { redis, prefix: '{latchkey}', log }),
  )
  const [note, phone] = [word('payload'), randomPhone()]
  texts.push(note)
  phones.push(phone)
  const event = {
    v: 1,
    messageId: randomUUID(),
    challengeId: `abc.${'0'.repeat(32)}`,
    generation: 1,
    purpose: 'sign_in',
    country: 'QQ',
    // The one place of an event that takes any text.
    requestId: phone,
    state: 'sending',
    at: new Date().toISOString(),
  }
  await query(databaseUrl, `alter table sms_messages add constraint no_such_country check (country <> 'QQ')`)
  const ids = ['m-misshapen', 'e-misshapen', 'e-refused']
  await sms?.add('m-misshapen', { v: 1, note, phone })
  await events?.add('e-misshapen', { v: 1, note, phone })
  await events?.add('e-refused', event)
  const bare = new Redis(redisUrl)
  for (const [queue, id] of [
    ['sms', 'm-misshapen'],
    ['delivery-event', 'e-misshapen'],
    ['delivery-event', 'e-refused'],
  ])
    await eventually(`${id} to fail`, async () => (await bare.hget(`{latchkey}:${queue}:${id}`, 'stacktrace')) !== null)
  bare.disconnect()
  await Promise.all([sms?.close(), events?.close()])
  redis.disconnect()
  return ids
}
