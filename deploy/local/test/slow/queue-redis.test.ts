import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { password, randomPhone } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { production, type Production, someoneSignedUp, someoneWithCode } from './production.js'
import { ownRedisServer, type Server } from './servers.js'

interface Fault {
  begin(queue: Server): Promise<void>
  end(queue: Server): Promise<void>
  /** Whether it is certain that what it was asked was not done; else a send may have to be counted. */
  readonly refuses: boolean
}

const faults: Record<string, Fault> = {
  'a queue that is full': {
    begin: (queue) => limitMemory(queue, '100kb'),
    end: (queue) => limitMemory(queue, '0'),
    refuses: true,
  },
  'a queue that is killed': { begin: (queue) => queue.kill(), end: (queue) => queue.restart(), refuses: true },
  'a queue that is frozen': {
    begin: async (queue) => queue.freeze(),
    end: async (queue) => queue.thaw(),
    refuses: false,
  },
}

async function limitMemory({ url }: Server, bytes: string): Promise<void> {
  const redis = new Redis(url)
  await redis.config('SET', 'maxmemory', bytes)
  redis.disconnect()
}

t.test('a queue with a Redis of its own that fails stops no log-in, and consumes nothing', async (t) => {
  const queue = await ownRedisServer(t)
  const env = { QUEUE_REDIS_URL: queue.url, SEND_COOLDOWNS_SECONDS: '1' }
  const on = await production(t, { env })
  for (const [name, fault] of Object.entries(faults)) await t.test(name, (t) => failing(t, { on, queue, fault }))
})

async function failing(t: Test, { on, queue, fault }: { on: Production; queue: Server; fault: Fault }): Promise<void> {
  const { call, health } = on
  const signedUp = await someoneSignedUp(on)
  const waiting = await someoneWithCode(on)
  const answering = await someoneWithCode(on)
  for (const { id } of [waiting, answering])
    await eventually('the log', async () => (await call('GET', `/v1/challenges/${id}`)).body.delivery === 'sent')
  const { challenge: before } = (await call('GET', `/v1/challenges/${waiting.id}`)).body
  await eventually('the cooldown to end', async () => Date.now() > Date.parse(before.resendAt))

  await fault.begin(queue)
  const refused = randomPhone()
  const askForCodes = async () => {
    for (const [path, body] of [
      ['/v1/signup', { phone: refused }],
      ['/v1/login/code', { phone: signedUp.phone }],
      ['/v1/password/forgot', { identifier: signedUp.phone }],
      [`/v1/challenges/${waiting.id}/resend`, undefined],
    ] as const) {
      const began = performance.now()
      const { status, body: refusal } = await call('POST', path, body)
      t.ok(status === 503 || (status === 429 && !fault.refuses), `${path} is answered with ${status} ${refusal.code}`)
      t.ok(performance.now() - began < 2_000, `${path} took ${(performance.now() - began).toFixed(0)} ms`)
    }
  }
  const login = { identifier: signedUp.phone, password }
  await askForCodes()
  t.match(await call('POST', '/v1/login', login), { status: 200 }, 'a log-in by password')
  const { refreshToken } = signedUp.session
  const renewed = await call('POST', '/v1/token/refresh', { refreshToken })
  t.equal(renewed.status, 200, 'a session goes on')
  t.match(await call('GET', '/v1/me', undefined, renewed.body.session.accessToken), { status: 200 })
  const answer = await call('POST', answering.answerPath, { code: answering.code })
  t.equal(answer.status, 201, 'a code in hand works')
  await askForCodes()
  for (const name of ['auth-gateway', 'users'] as const)
    t.equal(await health(name), 200, `${name} stays in service: nobody takes it out of a load balancer`)

  await fault.end(queue)
  const endedAt = Date.now()
  const { body } = await eventually('a sign-up', async () => {
    const reply = await call('POST', '/v1/signup', { phone: refused })
    if (fault.refuses) t.not(reply.status, 429, 'no send was spent, no cooldown started')
    return reply.status === 202 && reply
  })
  const code = await on.codeFor(refused)
  t.ok(Date.now() - endedAt < 10_000, `the first code came ${Date.now() - endedAt} ms after the queue`)
  t.match(await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code }), { status: 201 })
  t.match(await call('POST', '/v1/login/code', { phone: signedUp.phone }), { status: 202 })
  t.match(await call('POST', '/v1/password/forgot', { identifier: signedUp.phone }), { status: 202 })
  const resent = await call('POST', `/v1/challenges/${waiting.id}/resend`)
  t.match(resent, { status: 202, body: { challenge: { resendsLeft: before.resendsLeft - 1 } } }, 'one resend is spent')
  await eventually('it', async () => (await on.ledger()).filter(({ to }) => to === waiting.phone).length === 2)
  t.match(await call('POST', waiting.answerPath, { code: waiting.code }), { status: 201 })

  const session = { id: answer.body.session.id, userId: answer.body.user.id, at: Date.now() }
  const { challenge } = (await call('GET', `/v1/challenges/${answering.id}`)).body
  await checkInvariants(t, on, [{ phone: answering.phone, told: [], challenge, session }])
}
