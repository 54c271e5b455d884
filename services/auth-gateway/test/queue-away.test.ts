import { randomUUID } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { smsJobId, smsQueue } from '@latchkey/contracts/queues/sms'
import { createLog } from '@latchkey/kit/log'
import { createProducer } from '@latchkey/kit/queue'
import { createRedis } from '@latchkey/kit/redis'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'
import { eventually, freePort, testStores } from '@latchkey/kit/testing'
import type { Test } from 'tap'
import t from 'tap'
import { nobodyBehind } from '../src/challenges/address-decoys.js'
import { newCode } from '../src/challenges/challenge-store.js'
import { createRegister } from '../src/flows/register.js'
import { createResendChallenge } from '../src/flows/resend-challenge.js'
import { createStartChallenge } from '../src/flows/start-challenge.js'
import { createTellConflict } from '../src/flows/tell-conflict.js'
import { createReadPhone } from '../src/phones/canonical-phone.js'
import { createSmsQueue } from '../src/sms-queue.js'
import {
  challengeHarness,
  facePolicy,
  numbers,
  policy,
  randomClient,
  randomPhone,
  second,
} from './challenge-harness.js'
import { badUsers, clientOf, json, patientMs } from './users-harness.js'

const caller = { requestId: 'test', face: 'v1', locale: 'en' }
const refuseStopped = async () => undefined
const phone = createReadPhone({ countries: '*', testNumbers: new Map() })(randomPhone())
const request = { purpose: 'sign_up', policy, phone, identifier: phone.e164, says: 'code', addressShown: true } as const

/** A registration as users tells of one. */
const someone = {
  id: randomUUID(),
  number: 7,
  phone: null,
  phoneVerified: false,
  email: null,
  emailVerified: false,
  name: null,
  username: null,
  role: 'user',
  profile: {},
  hasPassword: false,
  secondFactor: false,
  createdAt: new Date(0).toISOString(),
  updatedAt: new Date(0).toISOString(),
}

async function queueOn(t: Test, url: string) {
  const log = createLog('test', 'silent')
  const redis = createRedis(url, { log, name: 'queue', patience: 'request' })
  const prefix = `{test-${randomUUID()}}`
  const producer = createProducer(smsQueue, { redis, prefix, log })
  t.teardown(async () => {
    redis.disconnect()
    await producer.close().catch(() => undefined)
  })
  return { producer, redis, sms: createSmsQueue(producer), prefix }
}

t.test('with the queue away a sign-up fails within a second, and its send is not spent', async (t) => {
  const { store } = await challengeHarness(t)
  const dead = await queueOn(t, `redis://127.0.0.1:${await freePort()}`)
  const alive = await queueOn(t, testStores().redisUrl)
  await new Promise<void>((resolve) => alive.redis.once('ready', () => resolve()))

  const began = Date.now()
  const start = createStartChallenge({ challenges: store, sms: dead.sms, newCode, nobodyBehind })(request, caller)
  await t.rejects(Promise.race([start, sleep(2_000, undefined, { ref: false })]), { code: 'unavailable' })
  t.ok(Date.now() - began < 1_000)
  t.match(
    await createStartChallenge({ challenges: store, sms: alive.sms, newCode, nobodyBehind })(request, caller),
    { purpose: 'sign_up' },
    'the next one is not too soon',
  )
})

t.test(
  'a message that was lost before the queue is added by a resend inside the cooldown, under its own id, once',
  async (t) => {
    const { store, open, withinBudget } = await challengeHarness(t)
    const { sms, producer, redis } = await queueOn(t, testStores().redisUrl)
    await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
    const challenge = await open()
    const resend = createResendChallenge({ challenges: store, sms, withinBudget, refuseStopped, numbers })

    t.equal(await sms.has(challenge.messageId), false)
    t.match(
      await resend(challenge.id, caller, policy),
      { id: challenge.id, resendsLeft: policy.resends, resendAt: challenge.resendAt.toISOString() },
      'nothing is counted',
    )
    t.equal(await producer.has(smsJobId(challenge.messageId)), true)
    await t.rejects(resend(challenge.id, caller, policy), {
      code: 'rate.limited',
      members: { retryAt: challenge.resendAt },
    })
  },
)

t.test('with the queue away a resend fails, and neither its send nor the code in hand is spent', async (t) => {
  const { store, open, clock, code, withinBudget } = await challengeHarness(t)
  const dead = await queueOn(t, `redis://127.0.0.1:${await freePort()}`)
  const challenge = await open()
  clock.offsetMs = 151 * second
  for (let n = 0; n < policy.resends + 1; n++)
    await t.rejects(
      createResendChallenge({ challenges: store, sms: dead.sms, withinBudget, refuseStopped, numbers })(
        challenge.id,
        caller,
        policy,
      ),
      { code: 'unavailable' },
      'and never too soon, or too often',
    )
  t.match(await store.read(challenge.id), { resendsLeft: policy.resends, messageId: challenge.messageId })
  t.match(await store.answer(challenge.id, code, 'v1'), { verdict: 'claimed' })
})

t.test('what the queue itself refuses was not done: neither a sign-up nor a resend is spent', async (t) => {
  const { store, open, clock, withinBudget } = await challengeHarness(t)
  const { sms, redis, prefix } = await queueOn(t, testStores().redisUrl)
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  await sms.has(randomUUID())
  // A Redis without memory refuses every write; this one refuses the writes of this queue.
  const meta = `${prefix}:${smsQueue.name}:meta`
  await redis.del(meta)
  await redis.set(meta, 'no hash')
  t.teardown(() => redis.del(meta))
  const own = { ...request, phone: { ...phone, e164: randomPhone() } }
  const wish = { ...own, identifier: own.phone.e164 }
  const start = createStartChallenge({ challenges: store, sms, newCode, nobodyBehind })
  for (let n = 0; n < 3; n++) await t.rejects(start(wish, caller), { code: 'unavailable' }, 'and never too soon')
  const challenge = await open()
  clock.offsetMs = 151 * second
  await t.rejects(
    createResendChallenge({ challenges: store, sms, withinBudget, refuseStopped, numbers })(
      challenge.id,
      caller,
      policy,
    ),
    {
      code: 'unavailable',
    },
  )
  t.match(await store.read(challenge.id), { resendsLeft: policy.resends, messageId: challenge.messageId })
})

t.test('what was opened unsent is not added to the queue inside the cooldown: it is too soon', async (t) => {
  const { store, openFound, withinBudget } = await challengeHarness(t)
  const { sms, producer, redis } = await queueOn(t, testStores().redisUrl)
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  const number = randomPhone()
  const { resendAt } = await openFound(randomClient(), { phone: number })
  const unsent = await openFound(randomClient(), { phone: number, mayStayUnsent: true })
  const resend = createResendChallenge({ challenges: store, sms, withinBudget, refuseStopped, numbers })
  await t.rejects(resend(unsent.id, { ...caller, face: 'staged' }, policy), {
    code: 'rate.limited',
    members: { retryAt: resendAt },
  })
  t.equal(await producer.has(smsJobId(unsent.messageId)), false)
})

t.test('with a queue that does not answer a sign-up fails in time, and its send stays counted', async (t) => {
  const { redisUrl } = testStores()
  const line = await startProxy(addressOf(redisUrl, 6379))
  t.teardown(() => line.close())
  const { store } = await challengeHarness(t)
  const { sms, redis } = await queueOn(t, through(redisUrl, line.port))
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  // Both connect before the line falls silent.
  await sms.has(randomUUID())
  const startChallenge = createStartChallenge({ challenges: store, sms, newCode, nobodyBehind })
  const own = { ...request, phone: { ...phone, e164: randomPhone() } }
  const wish = { ...own, identifier: own.phone.e164 }
  line.freeze()
  const began = performance.now()
  await t.rejects(startChallenge(wish, caller), { code: 'unavailable', effect: 'unknown' })
  t.ok(performance.now() - began < 1_500, `after ${(performance.now() - began).toFixed(0)} ms`)
  await t.rejects(startChallenge(wish, caller), { code: 'rate.limited' }, 'it may go out yet')
})

t.test('with the queue away a register fails and leaves nothing behind: its account is taken back', async (t) => {
  const { store, guesses, withinBudget } = await challengeHarness(t)
  const { sms } = await queueOn(t, `redis://127.0.0.1:${await freePort()}`)
  const asked: string[] = []
  const { url } = await badUsers(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.method === 'DELETE') response.writeHead(204).end()
    else
      json(response, 201, {
        user: someone,
        session: { id: someone.id, refreshToken: 'r', deviceToken: 'd' },
        taken: false,
      })
  })
  const register = createRegister({
    users: clientOf(t, url, patientMs).users,
    tellConflict: createTellConflict({ guesses }),
    withinBudget,
    refuseStopped,
    startChallenge: createStartChallenge({ challenges: store, sms, newCode, nobodyBehind }),
    readPhone: createReadPhone({ countries: '*', testNumbers: new Map() }),
    roles: ['user'],
    canSend: true,
  })
  const client = randomClient()
  const registering = register(
    { phone: randomPhone(), email: 'asha@example.com', password: null, name: null },
    { ...caller, face: 'staged', client },
    { ...facePolicy, accessTokenSeconds: 60, passwordRules: 'lenient', loginNeedsProof: true, hideConflicts: false },
    'phone',
  )
  await t.rejects(registering, { code: 'unavailable' })
  t.same(asked, ['POST /internal/registrations', `DELETE /internal/registrations/${someone.id}`])
})

t.test('a Redis that hung while a challenge was opened gives the send back once it wakes', async (t) => {
  const { redisUrl } = testStores()
  const proxy = await startProxy(addressOf(redisUrl, 6379))
  t.teardown(() => proxy.close())
  const { store, wanted } = await challengeHarness(t, through(redisUrl, proxy.port))
  const wish = wanted()
  proxy.freeze()
  await t.rejects(store.open(wish), { code: 'unavailable', effect: 'unknown' })
  proxy.thaw()
  t.match(await store.open(wish), { verdict: 'opened' })
})

/** A way to Redis that hands on `replies` more answers and breaks at the next, after Redis has done what was asked. */
async function leakyWay(t: Test, target: { host: string; port: number }) {
  let left = Number.POSITIVE_INFINITY
  const server = createServer((inner) => {
    const outer = connect(target)
    inner
      .on('error', () => outer.destroy())
      .on('close', () => outer.destroy())
      .on('data', (chunk) => void outer.write(chunk))
    outer
      .on('error', () => inner.destroy())
      .on('data', (chunk) => {
        left -= 1
        if (left < 0) {
          left = Number.POSITIVE_INFINITY
          inner.destroy()
          outer.destroy()
        } else inner.write(chunk)
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, breakAfter: (replies: number) => void (left = replies) }
}

t.test('an answer of Redis that is lost on its way counts a wrong answer once', async (t) => {
  const { redisUrl } = testStores()
  const way = await leakyWay(t, addressOf(redisUrl, 6379))
  const { store, open, wrongCode } = await challengeHarness(t, through(redisUrl, way.port))
  // Both scripts are known to Redis after this, and each takes one reply.
  await store.answer((await open()).id, wrongCode, 'v1')
  const { id } = await open()
  way.breakAfter(1)
  await t.rejects(store.answer(id, wrongCode, 'v1'), { code: 'unavailable', effect: 'unknown' })
  const left = await eventually(
    'Redis to be back',
    async () => (await store.read(id).catch(() => undefined))?.attemptsLeft,
  )
  t.equal(left, policy.attempts - 1)
})
