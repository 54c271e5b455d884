import { randomUUID } from 'node:crypto'
import { queue } from '@latchkey/contracts/queues/queue'
import { Queue } from 'bullmq'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { AppError } from '../src/app-error.js'
import { createLog } from '../src/log.js'
import { createConsumer, createProducer, type Verdict } from '../src/queue.js'
import { oldestDelayedMs, oldestWaitingMs } from '../src/queue-age.js'
import { createRedis } from '../src/redis.js'
import { addressOf, startProxy, through } from '../src/test-proxy.js'
import { eventually, testStores } from '../src/testing.js'

const contract = queue({
  name: 'parcels',
  version: 1,
  payload: Type.Object({ v: Type.Literal(1), mark: Type.String() }),
})
const parcel = (mark: string) => ({ v: 1 as const, mark })
const log = createLog('test', 'silent')

async function ends(t: Test) {
  const prefix = `{test-${randomUUID()}}`
  const { redisUrl } = testStores()
  const redis = createRedis(redisUrl, { log, name: 'producer', patience: 'request' })
  await new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  const producer = createProducer(contract, { redis, prefix, log })
  const bare = new Queue(contract.name, { connection: redis, prefix })
  t.teardown(async () => {
    await bare.obliterate({ force: true })
    redis.disconnect()
  })

  /** Handles parcels by `handle` until the test ends; tells what it was given, in order. */
  function consume(
    handle: (mark: string, starts: number, closing: AbortSignal) => Verdict | Promise<Verdict>,
    bury: (mark: string) => unknown = () => undefined,
  ) {
    const given: string[] = []
    const own = createRedis(redisUrl, { log, name: 'consumer', patience: 'consumer' })
    const consumer = createConsumer(contract, {
      redis: own,
      prefix,
      log,
      concurrency: 1,
      handle: async ({ mark }, { starts, closing }) => {
        given.push(mark)
        return handle(mark, starts, closing)
      },
      onDead: async ({ mark }) => void (await bury(mark)),
    })
    t.teardown(async () => {
      await consumer.close()
      own.disconnect()
    })
    consumer.start()
    return { given, consumer }
  }
  return { prefix, redis, producer, bare, consume }
}

t.test('one id is one job, finished or not', async (t) => {
  const { producer, consume } = await ends(t)
  t.equal(await producer.has('m-1'), false)
  await Promise.all(Array.from({ length: 20 }, () => producer.add('m-1', parcel('a'))))
  const { given } = consume(() => ({ then: 'done' }))
  await eventually('the job', async () => given.length > 0)
  await producer.add('m-1', parcel('a'))
  await producer.add('m-2', parcel('b'))
  await eventually('the next job', async () => given.includes('b'))
  t.same(given, ['a', 'b'])
  t.equal(await producer.has('m-1'), true)
})

t.test('classes overtake one another; within a class the first in is the first out', async (t) => {
  const { producer, consume } = await ends(t)
  for (const [mark, priority] of [
    ['slow-1', 3],
    ['fast-1', 1],
    ['slow-2', 3],
    ['middle', 2],
    ['fast-2', 1],
  ] as const)
    await producer.add(`m-${mark}`, parcel(mark), { priority })
  const { given } = consume(() => ({ then: 'done' }))
  await eventually('all', async () => given.length === 5)
  t.same(given, ['fast-1', 'fast-2', 'middle', 'slow-1', 'slow-2'])
})

t.test('a job that asks to come again does, behind others if it asks for another class', async (t) => {
  const { producer, consume } = await ends(t)
  await producer.add('m-late', parcel('late'), { priority: 1 })
  await producer.add('m-other', parcel('other'), { priority: 3 })
  const { given } = consume((mark, starts) =>
    mark === 'late' && starts === 1 ? { then: 'again', afterMs: 0, priority: 9 } : { then: 'done' },
  )
  await eventually('all', async () => given.length === 3)
  t.same(given, ['late', 'other', 'late'])
})

t.test('a payload of a newer version waits for a newer worker; an unreadable one is dead and not quoted', async (t) => {
  const { bare, consume } = await ends(t)
  await bare.add(contract.name, { v: 2, other: 'shape' }, { jobId: 'm-newer' })
  await bare.add(contract.name, { v: 1, secret: 'canary' }, { jobId: 'm-broken' })
  const { given } = consume(() => ({ then: 'done' }))
  await eventually(
    'both to be looked at',
    async () => (await bare.getJobState('m-newer')) === 'delayed' && (await bare.getJobState('m-broken')) === 'failed',
  )
  t.same(given, [])
  const broken = await bare.getJob('m-broken')
  t.notMatch(JSON.stringify([broken?.failedReason, broken?.stacktrace]), 'canary')
})

t.test(
  'what a handler throws is not stored, and a job that only ever throws is handed over once as dead',
  async (t) => {
    const { bare, consume } = await ends(t)
    await bare.add(contract.name, parcel('cursed'), { jobId: 'm-cursed', attempts: 2, backoff: 1 })
    const dead: string[] = []
    consume(
      () => {
        throw new Error('canary in the message')
      },
      (mark) => dead.push(mark),
    )
    await eventually('the end', async () => dead.length > 0)
    const job = await bare.getJob('m-cursed')
    t.same(dead, ['cursed'])
    t.notMatch(JSON.stringify([job?.failedReason, job?.stacktrace]), 'canary')
  },
)

t.test('a dead job is handed over until that works, and closing waits for the last try', async (t) => {
  const { bare, consume } = await ends(t)
  let away = true
  let tries = 0
  const dead: string[] = []
  const bury = (mark: string) => {
    tries += 1
    if (away) throw new AppError('unavailable')
    dead.push(mark)
  }
  const { consumer } = consume(() => {
    throw new Error('no')
  }, bury)
  await bare.add(contract.name, parcel('first'), { jobId: 'm-first', attempts: 1 })
  await eventually('two tries', async () => tries >= 2)
  away = false
  await eventually('the first', async () => dead.length === 1)
  away = true
  tries = 0
  await bare.add(contract.name, parcel('second'), { jobId: 'm-second', attempts: 1 })
  await eventually('a try', async () => tries >= 1)
  away = false
  await consumer.close()
  t.same(dead, ['first', 'second'])
})

t.test('closing waits for the job in hand and takes no other', async (t) => {
  const { producer, consume } = await ends(t)
  let release = () => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  await producer.add('m-1', parcel('in hand'))
  await producer.add('m-2', parcel('waiting'))
  let told = false
  const { given, consumer } = consume(async (_mark, _starts, closing) => {
    await held
    told = closing.aborted
    return { then: 'done' }
  })
  await eventually('the first', async () => given.length === 1)
  const closed = consumer.close()
  release()
  await closed
  t.same(given, ['in hand'])
  t.ok(told, 'its handler was told')
})

t.test('the age of the oldest waiting job is seen in whatever class it waits', async (t) => {
  const { producer, bare, redis, prefix } = await ends(t)
  t.equal(await oldestWaitingMs(contract, redis, prefix, [1, 3]), 0)
  await bare.add(contract.name, parcel('old'), { jobId: 'm-old', priority: 3, timestamp: Date.now() - 60_000 })
  await producer.add('m-new', parcel('new'), { priority: 1 })
  const age = await oldestWaitingMs(contract, redis, prefix, [1, 3])
  t.ok(age >= 60_000 && age < 70_000, `${age} ms`)
})

t.test('the age of the oldest job that is to come again is not counted among the waiting', async (t) => {
  const { bare, redis, prefix } = await ends(t)
  t.equal(await oldestDelayedMs(contract, redis, prefix), 0)
  const old = { timestamp: Date.now() - 60_000, delay: 600_000 }
  await bare.add(contract.name, parcel('old'), { jobId: 'm-old', ...old })
  await bare.add(contract.name, parcel('new'), { jobId: 'm-new', delay: 1_000 })
  const age = await oldestDelayedMs(contract, redis, prefix)
  t.ok(age >= 60_000 && age < 70_000, `${age} ms`)
  t.equal(await oldestWaitingMs(contract, redis, prefix, [1]), 0)
})

t.test('a payload outside the contract is refused before it is queued', async (t) => {
  const { producer } = await ends(t)
  await t.rejects(producer.add('m-1', { v: 1 } as never))
  t.equal(await producer.has('m-1'), false)
})

t.test('a queue whose Redis had no time for it at the start takes jobs as soon as that has', async (t) => {
  const { redisUrl } = testStores()
  const proxy = await startProxy(addressOf(redisUrl, 6379))
  t.teardown(() => proxy.close())
  const redis = createRedis(through(redisUrl, proxy.port), { log, name: 'producer', patience: 'request' })
  t.teardown(() => redis.disconnect())
  await eventually('Redis', async () => redis.status === 'ready')
  proxy.freeze()
  const producer = createProducer(contract, { redis, prefix: `{test-${randomUUID()}}`, log })
  await t.rejects(producer.add('m-1', parcel('early')), { code: 'unavailable' })
  proxy.thaw()
  await eventually('a job to be taken', () =>
    producer.add('m-2', parcel('late')).then(
      () => true,
      () => false,
    ),
  )
})
