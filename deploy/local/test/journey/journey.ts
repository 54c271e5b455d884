import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, startProcess, testStores } from '@latchkey/kit/testing'
import { Queue } from 'bullmq'
import type { Test } from 'tap'
import { Pool } from 'undici'
import { type Stack, startStack } from '../../src/stack.js'
import { root } from '../../src/places.js'

// The journey ring: everything over HTTP, nothing imported from the services.

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  /** Parsed JSON; null for an empty body. */
  readonly body: any
}

export type Call = (
  method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  token?: string,
) => Promise<Answer>

/** A number nobody else in this run has. */
export const randomPhone = (): string => `+9198${String(randomInt(10 ** 8)).padStart(8, '0')}`

/** The stack, and a way to call its gateway. Addresses are not counted: all callers of a test are one. */
export async function journey(t: Test, env: Record<string, string> = {}) {
  const stack = await startStack({
    ...testStores(),
    env: { EXEMPT_CLIENTS: '127.0.0.0/8', LOG_LEVEL: 'debug', ...env },
  })
  t.teardown(() => stack.stop())
  const call = caller(t, stack.gatewayUrl)
  return { stack, call, inbox: readInbox(t, stack, call) }
}

export interface InboxMessage {
  readonly body: string
  readonly code: string | null
}

/** Reads all messages to a phone, newest first, once none is under way any more: what is not among them was not sent. */
export function readInbox(
  t: Test,
  { redisUrl }: Pick<Stack, 'redisUrl'>,
  call: (method: 'GET', path: string) => Promise<Answer>,
) {
  const queue = new Queue('sms', { connection: { url: redisUrl }, prefix: '{latchkey}', skipVersionCheck: true })
  t.teardown(() => queue.close())
  return async (phone: string): Promise<InboxMessage[]> => {
    await eventually(
      'the end of all sending',
      async () => (await queue.getJobCountByTypes('wait', 'prioritized', 'delayed', 'active')) === 0,
    )
    return (await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)).body
  }
}

export function caller(t: Test, url: string): Call {
  const pool = new Pool(url, { connections: 256 })
  t.teardown(() => pool.destroy())
  return async (method, path, body, token) => {
    const answer = await pool.request({
      method,
      path,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    const json = answer.headers['content-type']?.includes('json') === true
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: json ? JSON.parse(text) : text === '' ? null : text,
    }
  }
}

/** Calls again when told to, for half a minute: on a busy machine a service may have no time, and says so. */
export function patient(call: Call): Call {
  return async (...args) => {
    const end = performance.now() + 30_000
    for (;;) {
      const answer = await call(...args)
      const waitSeconds = Number(answer.headers['retry-after'])
      if (answer.status !== 503 || !(waitSeconds > 0) || performance.now() > end) return answer
      await sleep(waitSeconds * 1_000)
    }
  }
}

/** The newest code for a number in the development inbox, once it has `count` messages. */
export async function codeFromInbox(call: Call, phone: string, count = 1): Promise<string> {
  return eventually(`message ${count} to ${phone}`, async () => {
    const { body } = await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)
    return body.length >= count && body[0].code
  })
}

export const password = 'correct horse battery staple'

/** A person with an account, a password and a session, proved by the inbox. */
export async function newPerson(call: Call, extra: object = {}) {
  const phone = randomPhone()
  const started = await call('POST', '/v1/signup', { phone, password, ...extra })
  const code = await codeFromInbox(call, phone)
  const { body } = await call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code })
  return { phone, user: body.user, session: body.session }
}

export const accountSid = `AC${'ab12'.repeat(8)}`
export const authToken = 'stand-in-token-of-the-tests'

/** The stand-in for MessageCentral as a process of its own, the environment that points at it, and what it took. */
export async function centralStandIn(t: Test) {
  const account = {
    MESSAGECENTRAL_CUSTOMER_ID: 'C-0123456789ABCDE',
    MESSAGECENTRAL_EMAIL: 'sms@example.com',
    MESSAGECENTRAL_PASSWORD: 'stand-in-password-of-the-tests',
  }
  const receiptToken = randomBytes(24).toString('base64url')
  const standIn = startProcess(`${root}/deploy/messagecentral-stand-in/dist/src/main.js`, account)
  t.teardown(() => standIn.child.kill('SIGKILL'))
  const url = await eventually('the stand-in', async () => /ready (\S+)/.exec(standIn.output())?.[1])
  const call = caller(t, url)
  return {
    env: {
      ...account,
      MESSAGECENTRAL_SENDER_ID: 'ACMEIN',
      MESSAGECENTRAL_API_BASE_URL: url,
      MESSAGECENTRAL_RECEIPT_TOKEN: receiptToken,
    },
    url,
    /** How it reports on a number from now on, to a worker that knows it. */
    report: (workerUrl: string, order: { to: string; how: string; ending?: string }) =>
      call('POST', '/receipts', { ...order, url: `${workerUrl}/receipts/messagecentral/${receiptToken}` }),
    order: (fault: { to: string; fault: string; ms?: number; times?: number; code?: number }) =>
      call('POST', '/faults', fault),
  }
}

/** The stand-in for Twilio as a process of its own, the environment that points at it, and what it took. */
export async function twilioStandIn(t: Test) {
  const standIn = startProcess(`${root}/deploy/twilio-stand-in/dist/src/main.js`, {
    TWILIO_ACCOUNT_SID: accountSid,
    TWILIO_AUTH_TOKEN: authToken,
  })
  t.teardown(() => standIn.child.kill('SIGKILL'))
  const url = await eventually('the stand-in', async () => /ready (\S+)/.exec(standIn.output())?.[1])
  const call = caller(t, url)
  const accepts = async (phone: string): Promise<{ to: string; body: string; validityPeriod: number | null }[]> =>
    (await call('GET', `/ledger?to=${encodeURIComponent(phone)}`)).body
  return {
    env: {
      SMS_PROVIDERS: 'twilio',
      TWILIO_ACCOUNT_SID: accountSid,
      TWILIO_AUTH_TOKEN: authToken,
      TWILIO_PHONE_NUMBER: '+15005550006',
      TWILIO_API_BASE_URL: url,
    },
    order: (fault: { to: string; fault: string; ms?: number; times?: number; code?: number; on?: 'send' | 'list' }) =>
      call('POST', '/faults', fault),
    /** How it reports on a number from now on. */
    report: (order: { to: string; how: string; ending?: string; code?: number }) => call('POST', '/receipts', order),
    /** Somebody texts us. */
    text: async (message: { url: string; from: string; body: string; forged?: boolean }) => {
      const sid = `SM${randomBytes(16).toString('hex')}`
      return (await call('POST', '/inbound', { to: '+15005550006', sid, ...message })).body as { status: number }
    },
    accepts,
    code: (phone: string, count = 1) =>
      eventually(
        `accept ${count} for ${phone}`,
        async () => {
          const taken = await accepts(phone)
          return taken.length >= count && /\d{6}/.exec(taken[taken.length - 1]?.body ?? '')?.[0]
        },
        20_000,
      ),
  }
}
