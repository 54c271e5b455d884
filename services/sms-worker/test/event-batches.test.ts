import { randomUUID } from 'node:crypto'
import {
  type DeliveryEvent,
  deliveryEventJobId,
  deliveryEventQueue,
  mostEvents,
  type Receipt,
  receiptJobId,
} from '@latchkey/contracts/queues/delivery-event'
import { createLog } from '@latchkey/kit/log'
import { createProducer } from '@latchkey/kit/queue'
import { createRedis } from '@latchkey/kit/redis'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createEventBatches } from '../src/jobs/event-batches.js'
import { createSurroundings, randomPrefix, workerEnv } from './harness.js'

const log = createLog('test', 'silent')

const eventOf = (over: Partial<DeliveryEvent> = {}): DeliveryEvent => ({
  v: 1,
  messageId: randomUUID(),
  challengeId: `abc.${'0'.repeat(32)}`,
  generation: 1,
  purpose: 'sign_up',
  country: 'IN',
  requestId: 'r-1',
  state: 'sending',
  at: '2026-11-21T09:30:00.000Z',
  ...over,
})

/** The gathering end of a queue, and what stands in that queue: of each job the messages it tells of, by job id. */
async function gathering(t: Test) {
  const [env, prefix] = [workerEnv(), randomPrefix()]
  const { log: queue } = createSurroundings(t, env, prefix)
  const redis = createRedis(env['REDIS_URL'] ?? '', { log, name: 'events', patience: 'request' })
  await eventually('redis', async () => redis.status === 'ready')
  const events = createEventBatches(createProducer(deliveryEventQueue, { redis, prefix, log }))
  t.teardown(async () => {
    await events.close()
    redis.disconnect()
  })
  const tell = (event: DeliveryEvent) => events.add(deliveryEventJobId(event), event)
  const jobs = async () =>
    (await queue.getJobs()).map(({ id, data }) => ({
      id,
      told: ('events' in data ? data.events : [data]).map(({ messageId }) => messageId),
    }))
  return { events, tell, jobs }
}

t.test('what is told of messages at the same time goes in one job, in its order', async (t) => {
  const { tell, jobs } = await gathering(t)
  const told = [eventOf(), eventOf(), eventOf()]
  await Promise.all(told.map(tell))
  const [job, ...more] = await jobs()
  t.match(job?.id, /^b-/)
  t.strictSame(
    job?.told,
    told.map(({ messageId }) => messageId),
  )
  t.strictSame(more, [])
})

t.test('what is told alone has a job of its own, whose id a second one with the same words has too', async (t) => {
  const { tell, jobs } = await gathering(t)
  const event = eventOf()
  await tell(event)
  await tell(event)
  t.strictSame(await jobs(), [{ id: deliveryEventJobId(event), told: [event.messageId] }])
})

t.test('a job holds so many events and no more, and what waits goes before the end is closed', async (t) => {
  const { events, tell, jobs } = await gathering(t)
  const all = Promise.all(Array.from({ length: mostEvents + 2 }, () => tell(eventOf())))
  await events.close()
  await all
  t.strictSame(
    (await jobs()).map(({ told }) => told.length).sort((a, b) => a - b),
    [2, mostEvents],
  )
})

t.test('an event that does not fit its contract is refused alone', async (t) => {
  const { tell, jobs } = await gathering(t)
  const good = [eventOf(), eventOf()]
  const ends = await Promise.allSettled([...good, eventOf({ country: 'nowhere' })].map(tell))
  t.strictSame(
    ends.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
  const told = (await jobs()).flatMap((job) => job.told)
  t.strictSame(new Set(told), new Set(good.map(({ messageId }) => messageId)))
})

t.test('what a carrier says waits for nobody', async (t) => {
  const { events, tell, jobs } = await gathering(t)
  const receipt: Receipt = {
    v: 2,
    kind: 'receipt',
    messageId: randomUUID(),
    provider: 'twilio',
    providerMessageId: 'SM1',
    state: 'delivered',
    at: '2026-11-21T09:30:00.000Z',
  }
  const others = [tell(eventOf()), tell(eventOf())]
  await events.add(receiptJobId(receipt), receipt)
  t.ok((await jobs()).some(({ id }) => id === receiptJobId(receipt)))
  await Promise.all(others)
  t.equal((await jobs()).length, 2)
})
