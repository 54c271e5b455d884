import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { AttemptOutcome, DeliveryState } from '@latchkey/contracts/delivery'
import {
  type DeliveryEvent,
  deliveryEventJobId,
  deliveryEventQueue,
  type QueueAct,
} from '@latchkey/contracts/queues/delivery-event'
import { createProducer } from '@latchkey/kit/queue'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t from 'tap'
import { createDeliveryConsumer } from '../src/deliveries/deliveries.consumer.js'
import { startSweeper } from '../src/sweeper.js'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, type Harness, harness, newChallengeId, silent } from './harness.js'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'

const begin = Date.now() - 60_000
const at = (second: number) => new Date(begin + second * 1_000).toISOString()

interface Happening {
  state: DeliveryState
  second: number
  reason?: DeliveryEvent['reason']
  attempt?: { number: number; outcome: AttemptOutcome; carrierCode?: string; providerMessageId?: string }
}

function eventOf(message: Pick<DeliveryEvent, 'messageId' | 'challengeId'>, happening: Happening): DeliveryEvent {
  const { state, second, reason, attempt } = happening
  return {
    v: 1,
    ...message,
    generation: 1,
    purpose: 'sign_up',
    country: 'IN',
    requestId: 'r-1',
    state,
    at: at(second),
    ...(reason && { reason }),
    ...(attempt && { attempt: { provider: 'twilio', startedAt: at(second - 1), endedAt: at(second), ...attempt } }),
  }
}

const newMessage = () => ({ messageId: randomUUID(), challengeId: newChallengeId() })

/** Fails over once, the first attempt is looked up later, and the carrier cannot reach the phone. */
const story: Happening[] = [
  { state: 'queued', second: 0 },
  { state: 'sending', second: 1 },
  { state: 'unknown', second: 3, attempt: { number: 1, outcome: 'unknown' } },
  { state: 'sending', second: 5, attempt: { number: 1, outcome: 'not_sent', carrierCode: '503' } },
  { state: 'sending', second: 6 },
  { state: 'accepted', second: 7, attempt: { number: 2, outcome: 'accepted', providerMessageId: 'SM1' } },
  { state: 'undelivered', second: 9, reason: 'unreachable' },
]

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((item) => [randomInt(2 ** 32), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)

async function rowsOf({ db }: Harness, messageId: string) {
  const {
    id: _id,
    challenge_id: _challenge,
    ...message
  } = await db.selectFrom('sms_messages').selectAll().where('id', '=', messageId).executeTakeFirstOrThrow()
  const attempts = await db
    .selectFrom('sms_attempts')
    .selectAll()
    .where('message_id', '=', messageId)
    .orderBy('number')
    .execute()
  return { message, attempts: attempts.map(({ message_id: _message, ...attempt }) => attempt) }
}

t.test('whatever the order, and however often each event comes, a message ends in the same rows', async (t) => {
  const h = await harness(t)
  const told = newMessage()
  for (const happening of story) await h.services.deliveries.record(eventOf(told, happening))
  const expected = await rowsOf(h, told.messageId)
  t.match(expected.message, {
    state: 'undelivered',
    reason: 'unreachable',
    first_at: new Date(at(0)),
    last_at: new Date(at(9)),
  })
  t.match(expected.attempts, [
    { number: 1, outcome: 'not_sent', carrier_code: '503' },
    { number: 2, outcome: 'accepted', provider_message_id: 'SM1' },
  ])
  for (let turn = 0; turn < 60; turn += 1) {
    const message = newMessage()
    const events = shuffled([...story, ...story.slice(randomInt(story.length))]).map((one) => eventOf(message, one))
    if (turn % 3 === 0) for (const event of events) await h.services.deliveries.record(event)
    else if (turn % 3 === 1) await Promise.all(events.map((event) => h.services.deliveries.record(event)))
    else await h.services.deliveries.recordAll(events)
    t.same(await rowsOf(h, message.messageId), expected)
  }
})

t.test('batches that tell of the same messages at once, each in another order, wait for each other', async (t) => {
  const h = await harness(t)
  const messages = Array.from({ length: 10 }, newMessage)
  const all = messages.flatMap((message) => story.map((happening) => eventOf(message, happening)))
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => h.services.deliveries.recordAll(shuffled(all))))
  const rows = await Promise.all(messages.map(({ messageId }) => rowsOf(h, messageId)))
  const [first] = rows
  t.equal(first?.message.state, 'undelivered')
  for (const row of rows) t.same(row, first)
})

t.test('a terminal state is never replaced, not even by another one', async (t) => {
  const h = await harness(t)
  const message = newMessage()
  await h.services.deliveries.record(eventOf(message, { state: 'delivered', second: 1 }))
  for (const state of ['undelivered', 'queued', 'failed', 'accepted'] as const)
    await h.services.deliveries.record(eventOf(message, { state, second: 2, reason: 'blocked' }))
  t.match(await h.call('GET', `/deliveries/${message.messageId}`), {
    status: 200,
    body: { state: 'delivered', reason: null },
  })
})

t.test('a message nobody has written about is null, not an error', async (t) => {
  const h = await harness(t)
  t.same((await h.call('GET', `/deliveries/${randomUUID()}`)).body, { state: null, reason: null })
})

t.test(
  'after a day of silence the sweeper closes what is open, several replicas together, and nothing younger',
  async (t) => {
    const h = await harness(t)
    const open: [DeliveryState, DeliveryState][] = [
      ['queued', 'failed'],
      ['sending', 'failed'],
      ['accepted', 'unconfirmed'],
      ['unknown', 'unconfirmed'],
      ['delivered', 'delivered'],
    ]
    const record = (state: DeliveryState) => {
      const message = newMessage()
      return h.services.deliveries.record(eventOf(message, { state, second: 0 })).then(() => message.messageId)
    }
    const ids = await Promise.all(open.map(([state]) => record(state)))
    t.equal(await h.services.deliveries.sweep(), 0)
    h.advance(24 * 3_600_000)
    const swept = await Promise.all([1, 2, 3].map(() => h.services.deliveries.sweep()))
    t.equal(
      swept.reduce((sum, one) => sum + one, 0),
      4,
    )
    for (const [at, id] of ids.entries())
      t.equal((await h.call('GET', `/deliveries/${id}`)).body['state'], open[at]?.[1])

    const late = await record('accepted')
    const sweeper = startSweeper({ sweeps: { messages: h.services.deliveries.sweep }, log: silent, everyMs: 20 })
    await eventually('the sweeper to come by', async () => {
      const { body } = await h.call('GET', `/deliveries/${late}`)
      return body['state'] === 'unconfirmed'
    })
    await sweeper.close()
  },
)

t.test('of a batch in which one event cannot be written, the others are', async (t) => {
  const h = await harness(t)
  const [good, bad, alsoGood] = [newMessage(), newMessage(), newMessage()]
  const tooLarge = { ...eventOf(bad, { state: 'accepted', second: 1 }), generation: 2 ** 40 }
  const events = [
    eventOf(good, { state: 'accepted', second: 1 }),
    tooLarge,
    eventOf(alsoGood, { state: 'sending', second: 1 }),
  ]
  await t.rejects(h.services.deliveries.recordAll(events), { message: /refused a value/ })
  const stateOf = async ({ messageId }: { messageId: string }) =>
    (await h.call('GET', `/deliveries/${messageId}`)).body['state']
  t.strictSame(await Promise.all([good, bad, alsoGood].map(stateOf)), ['accepted', null, 'sending'])
})

t.test(
  'events from the queue reach the log and acts the audit, once, and wait there while the database is away',
  async (t) => {
    const direct = await createDatabase(t)
    await migrate(direct)
    const proxy = await startProxy(addressOf(direct, 5432))
    t.teardown(() => proxy.close())
    const h = await harness(t, { url: through(direct, proxy.port) })

    const prefix = `{test-${randomBytes(6).toString('hex')}}`
    const { redisUrl } = testStores()
    const sending = createRedis(redisUrl, { log: silent, name: 'sending', patience: 'request' })
    const taking = createRedis(redisUrl, { log: silent, name: 'taking', patience: 'consumer' })
    await eventually('redis', async () => sending.status === 'ready')
    const producer = createProducer(deliveryEventQueue, { redis: sending, prefix, log: silent })
    const consumer = createDeliveryConsumer({
      redis: taking,
      prefix,
      deliveries: h.services.deliveries,
      optOuts: h.services.optOuts,
      audit: h.services.audit,
      log: silent,
      retryMs: 50,
    })
    consumer.start()
    t.teardown(async () => {
      await consumer.close()
      await producer.close()
      const keys = await sending.keys(`${prefix}:*`)
      if (keys.length > 0) await sending.del(keys)
      sending.disconnect()
      taking.disconnect()
    })

    const message = newMessage()
    const send = (happening: Happening) => {
      const event = eventOf(message, happening)
      return producer.add(deliveryEventJobId(event), event)
    }
    const becomes = (state: DeliveryState) =>
      eventually(state, async () => (await h.call('GET', `/deliveries/${message.messageId}`)).body['state'] === state)
    await send({ state: 'queued', second: 0 })
    await becomes('queued')
    await proxy.cut()
    await send({ state: 'sending', second: 1 })
    await send({ state: 'delivered', second: 2, attempt: { number: 1, outcome: 'accepted' } })
    const jobs = `${prefix}:delivery-event:delayed`
    await eventually('the jobs to be put off', async () => (await sending.zcard(jobs)) > 0)
    const failures = await sending.hget(`${prefix}:delivery-event:e-${message.messageId}-sending-0`, 'atm')
    t.equal(Number(failures ?? 0), 0, 'an outage uses up none of the tries of a job')
    await proxy.mend()
    await becomes('delivered')

    const [one, two] = [newMessage(), newMessage()]
    const sent: Happening = { state: 'accepted', second: 3 }
    await producer.add('b-1', { v: 5, kind: 'batch', events: [eventOf(one, sent), eventOf(two, sent)] })
    for (const { messageId } of [one, two])
      await eventually('each of a batch', async () => {
        const { body } = await h.call('GET', `/deliveries/${messageId}`)
        return body['state'] === 'accepted'
      })

    const by = { operator: 'bela' }
    const told = { v: 4, kind: 'act', id: randomUUID(), actor: 'cli:asha', action: 'dead_letter.drop' } as const
    const act: QueueAct = {
      ...told,
      target: 'sms:m-1',
      why: 'it is over',
      about: 'a code',
      at: '2026-11-21T09:30:00.000Z',
    }
    const repeats = ['a-1', 'a-2', 'a-3']
    await Promise.all(repeats.map((job) => producer.add(job, act)))
    const isDone = (job: string) => sending.zscore(`${prefix}:delivery-event:completed`, job)
    await eventually('all of them', async () => !(await Promise.all(repeats.map(isDone))).includes(null))
    const entries = (await h.call('POST', '/audit', { by })).body['entries'] as object[]
    const { at, actor, action, target, why, about } = act
    t.match(entries, [{ at, actor, action, target, why, detail: { about } }])
    t.equal(entries.length, 1, 'one that is told of again is written down once')
  },
)
