import { type Ailment, type SandboxLane, sandboxLanes } from '@latchkey/contracts/dev/ailments'
import { sufferingKey } from '@latchkey/contracts/dev/carriers'
import { type FeedEntry, feedKey, feedLength, feedLifeSeconds } from '@latchkey/contracts/dev/feed'
import { createSealedStream } from '@latchkey/kit/sealed-stream'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { attemptsIn, codeFor, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

t.jobs = 8
const code = '483921'
const callMs = 600

/** A worker as `npm start` has it, its carriers as ill as told, and what the feed has of it. */
async function setUp(t: Test, ills: Partial<Record<SandboxLane, Ailment>> = {}, { forMs = 60_000 } = {}) {
  const env = workerEnv()
  const prefix = randomPrefix()
  const around = createSurroundings(t, env, prefix)
  const { redis, sealer } = around
  const key = sufferingKey(prefix)
  t.teardown(() => redis.del(key, feedKey(prefix)))
  const worker = createWorker(t, env, prefix, { carrierTimeoutMs: callMs })
  await eventually('its carriers', async () => (await redis.hlen(key)) === sandboxLanes.length)
  const until = new Date(Date.now() + forMs).toISOString()
  for (const [lane, ailment] of Object.entries(ills)) await redis.hset(key, lane, JSON.stringify({ ailment, until }))
  worker.consumer.start()
  const stream = createSealedStream({
    redis,
    sealer,
    key: feedKey(prefix),
    length: feedLength,
    lifeSeconds: feedLifeSeconds,
  })
  const feed = async () => (await stream.next('0-0', 1)).entries.map(({ value }) => value as FeedEntry)
  const send = async () => {
    const to = somebody()
    const job = await around.open({ message: codeFor(to, code) })
    await around.queue(job)
    await around.finished(job)
    const attempts = attemptsIn(await around.events(job)).map(({ provider, outcome }) => [provider, outcome])
    const arrived = (await feed()).flatMap((entry) => (entry.kind === 'arrived' && entry.to === to ? [entry] : []))
    const states = (await around.events(job)).map(({ state }) => state)
    return { job, to, attempts, arrived, states }
  }
  return { ...around, prefix, feed, send }
}

t.test('a carrier that refuses is passed over at once; the other one brings the message', async (t) => {
  const { send } = await setUp(t, { inbox: 'refuse' })
  const { attempts, arrived, states } = await send()
  t.strictSame(attempts, [
    ['inbox', 'not_sent'],
    ['backup', 'accepted'],
  ])
  t.match(arrived, [{ lane: 'backup', attempt: 2 }])
  t.ok(states.includes('delivered'))
})

t.test('a carrier that hangs is given up and asked; then the other one brings the message, once', async (t) => {
  const { send } = await setUp(t, { inbox: 'hang' })
  const { attempts, arrived } = await send()
  t.strictSame(attempts, [
    ['inbox', 'unknown'],
    ['backup', 'accepted'],
  ])
  t.match(arrived, [{ lane: 'backup' }])
})

t.test(
  'of a carrier that took a message and said nothing it is found out: it comes once, and is delivered',
  async (t) => {
    const { send } = await setUp(t, { inbox: 'mute' })
    const { attempts, arrived, states } = await send()
    t.strictSame(attempts, [['inbox', 'accepted']])
    t.match(arrived, [{ lane: 'inbox', attempt: 1 }])
    t.ok(states.includes('delivered'))
  },
)

t.test('a slow carrier takes its time and the message', async (t) => {
  const { send, feed } = await setUp(t, { inbox: 'slow' })
  const { attempts } = await send()
  t.strictSame(attempts, [['inbox', 'accepted']])
  const took = (await feed()).flatMap((entry) => (entry.kind === 'called' ? [entry.tookMs] : []))
  t.equal(took.length, 1)
  t.ok((took[0] ?? 0) >= callMs - 50, `${took.join()} ms`)
})

t.test('a carrier that loses receipts brings the message, and nobody says so', async (t) => {
  const { send } = await setUp(t, { inbox: 'no_receipts' })
  const { arrived, states } = await send()
  t.match(arrived, [{ lane: 'inbox' }])
  t.strictSame(states, ['sending', 'accepted'])
})

t.test('an illness ends by itself', async (t) => {
  const { send } = await setUp(t, { inbox: 'refuse' }, { forMs: 0 })
  t.strictSame((await send()).attempts, [['inbox', 'accepted']])
})

t.test(
  'the feed tells each step in its order; a number and a code stand in what arrived alone, and nothing stands open',
  async (t) => {
    const { send, feed, redis, prefix } = await setUp(t, { inbox: 'refuse' })
    const { to, job } = await send()
    const told = await eventually('the end', async () => {
      const all = await feed()
      return all.some((entry) => entry.kind === 'state' && entry.state === 'delivered') && all
    })
    const steps = told.map((entry) => {
      if (entry.kind === 'calling' || entry.kind === 'arrived') return `${entry.kind} ${entry.lane}`
      if (entry.kind === 'called') return `${entry.kind} ${entry.lane} ${entry.outcome}`
      return entry.kind === 'state' ? `${entry.kind} ${entry.state}` : entry.kind
    })
    t.strictSame(steps, [
      'state sending',
      'calling inbox',
      'called inbox not_sent',
      'calling backup',
      'arrived backup',
      'called backup accepted',
      'state accepted',
      'state delivered',
    ])
    t.ok(told.every((entry) => !('messageId' in entry) || entry.messageId === job.messageId))
    const secrets = new RegExp(`${to.slice(1)}|${code}`)
    for (const entry of told) t.equal(secrets.test(JSON.stringify(entry)), entry.kind === 'arrived', entry.kind)
    const raw = JSON.stringify(await redis.xrange(feedKey(prefix), '-', '+'))
    t.notMatch(raw, secrets)
    t.notMatch(raw, job.messageId)
  },
)

t.test('a job that has to wait says for how long, and a decoy calls nobody', async (t) => {
  const { open, queue, finished, feed } = await setUp(t, { inbox: 'hang', backup: 'hang' })
  const real = await open({ message: codeFor(somebody()), lifeMs: 2_500 })
  await queue(real)
  await finished(real)
  const waits = (await feed()).flatMap((entry) => (entry.kind === 'again' ? [entry] : []))
  t.match(waits, [{ messageId: real.messageId }])
  t.ok(waits.every(({ afterMs }) => afterMs > 0))
  const decoy = await open({ message: { kind: 'decoy' }, lifeMs: 2_500 })
  await queue(decoy)
  await finished(decoy)
  const told = (await feed()).filter((entry) => 'messageId' in entry && entry.messageId === decoy.messageId)
  t.ok(told.length > 0)
  t.strictSame(
    told.filter(({ kind }) => kind === 'calling' || kind === 'arrived'),
    [],
  )
})

t.test('in production there is no feed, and nothing that can be made ill', async (t) => {
  const standIn = await startStandIn(t)
  const env = { ...workerEnv(), ...twilioEnv(standIn), NODE_ENV: 'production' }
  const prefix = randomPrefix()
  const { redis, open, queue, finished } = createSurroundings(t, env, prefix)
  createWorker(t, env, prefix).consumer.start()
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await finished(job)
  t.equal((await standIn.ledger(to)).length, 1)
  t.equal(await redis.exists(sufferingKey(prefix), feedKey(prefix)), 0)
})
