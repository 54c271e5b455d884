import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeliveryEvent } from '@latchkey/contracts/queues/delivery-event'
import { lateClass, type SmsJob } from '@latchkey/contracts/queues/sms'
import { AppError } from '@latchkey/kit/app-error'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t from 'tap'
import { createDeliveryReport } from '../src/jobs/delivery-report.js'
import { createShare } from '../src/jobs/share.js'
import { createSendSms } from '../src/jobs/send-sms.js'
import { createTurnstile } from '../src/jobs/turnstile.js'
import { createWriteLetter } from '../src/messages/letter.js'
import { createRender } from '../src/messages/render.js'
import { createWrite } from '../src/messages/write.js'
import type { SendOutcome, SmsMessage, SmsProvider } from '../src/providers/provider.js'
import { createAttemptFence } from '../src/routing/attempt-fence.js'
import type { Lane } from '../src/routing/lane.js'
import { createRouter } from '../src/routing/router.js'
import { nothingSwitched } from '../src/switchboard/switchboard.js'
import { codeFor, laneOf } from './harness.js'
import { somebody } from './stand-in.js'

const log = createLog('test', 'fatal')
const redis = createRedis(testStores().redisUrl, { log, name: 'test', patience: 'request' })
t.teardown(() => redis.disconnect())
await eventually('redis', async () => redis.status === 'ready')
const fence = createAttemptFence(redis)

/** A carrier that answers as told, one answer a call, the last one for ever. */
function carrier(name: string, ...answers: readonly SendOutcome[]) {
  const sent: SmsMessage[] = []
  const provider: SmsProvider = {
    name,
    timeoutMs: 200,
    send: async (message) => {
      sent.push(message)
      const answer = answers[Math.min(sent.length, answers.length) - 1]
      if (answer === undefined) throw new Error('no answer was ordered')
      return answer
    },
  }
  return { lane: laneOf(provider), sent }
}

const accepted: SendOutcome = { outcome: 'accepted', providerMessageId: 'SM1' }
const notSent: SendOutcome = { outcome: 'not_sent', reason: 'carrier_failed' }
const ours: SendOutcome = { outcome: 'not_sent', reason: 'misconfigured', permanent: true }
const rejected: SendOutcome = { outcome: 'rejected', reason: 'opted_out' }
const unknown: SendOutcome = { outcome: 'unknown' }
const closing = new AbortController().signal
const delivery = (lifeLeft: () => Promise<number | undefined> = async () => 60_000) => ({
  message: { id: randomUUID(), to: somebody(), body: 'text' },
  destination: { country: 'IN' },
  place: { id: 'm', priority: 1, deadlineMs: Date.now() + 60_000, queuedAt: new Date() },
  starts: 1,
  lifeLeft,
  took: async () => undefined,
  closing,
})

t.test('a lane that sent nothing is followed by the next, one attempt each', async (t) => {
  const [first, second] = [carrier('a', notSent), carrier('b', accepted)]
  const wanted = delivery()
  const round = await createRouter({ fence, lanes: [first.lane, second.lane] }).deliver(wanted)
  t.equal(round.verdict, 'settled')
  t.match((await fence.read(wanted.message.id)).attempts, [
    { provider: 'a', result: { outcome: 'not_sent' } },
    { provider: 'b', result: { outcome: 'accepted' } },
  ])
})

t.test('a number that is refused for good is not shopped around', async (t) => {
  const [first, second] = [carrier('a', rejected), carrier('b', accepted)]
  const round = await createRouter({ fence, lanes: [first.lane, second.lane] }).deliver(delivery())
  t.equal(round.verdict, 'settled')
  t.equal(second.sent.length, 0)
})

t.test('nothing is hopeless while one lane may work later', async (t) => {
  const mixed = createRouter({ fence, lanes: [carrier('a', ours).lane, carrier('b', notSent).lane] })
  t.match(await mixed.deliver(delivery()), { verdict: 'again' })
  const none = createRouter({ fence, lanes: [carrier('a', ours).lane, carrier('b', ours).lane] })
  t.strictSame(await none.deliver(delivery()), { verdict: 'hopeless', reason: 'misconfigured' })
})

t.test('where a carrier cannot be asked there is one more send, and never a third', async (t) => {
  const { lane, sent } = carrier('a', unknown)
  const router = createRouter({ fence, lanes: [lane] })
  const wanted = delivery()
  t.match(await router.deliver(wanted), { verdict: 'again', afterMs: 2_000 })
  await router.deliver(wanted)
  for (let n = 0; n < 3; n += 1) t.strictSame(await router.deliver(wanted), { verdict: 'spent' })
  t.equal(sent.length, 2)
})

/** A message whose one call ended unknown a while ago, looked up in this list; which of it is taken for its own. */
async function lookedUp(listed: (calledAtMs: number) => { id: string; atMs: number; body: string }[]) {
  const { message } = delivery()
  const taken = await fence.take(message.id, await fence.read(message.id), 'a')
  const { number = 0, startedAtMs = 0 } = taken ?? {}
  await fence.record(message.id, { number, outcome: unknown, endedAtMs: startedAtMs - 5_000, by: 'caller' })
  const list = listed(startedAtMs).map(({ id, atMs, body }) => ({ providerMessageId: id, at: new Date(atMs), body }))
  const provider: SmsProvider = { name: 'a', timeoutMs: 1_000, send: async () => accepted, list: async () => list }
  const router = createRouter({ fence, lanes: [laneOf(provider)] })
  await router.resolve(message, closing)
  return (await fence.read(message.id)).attempts[0]?.result
}

t.test('a list is not asked before it can know, and nothing is sent meanwhile', async (t) => {
  const { lane, sent } = carrier('a', unknown)
  let asked = 0
  const list = async () => {
    asked += 1
    return []
  }
  const listed = laneOf({ ...lane.provider, list })
  const router = createRouter({ fence, lanes: [listed] })
  const wanted = delivery()
  await router.deliver(wanted)
  const round = await router.deliver(wanted)
  t.ok(round.verdict === 'again' && round.afterMs > 1_000 && round.afterMs <= 2_000, JSON.stringify(round))
  t.strictSame([sent.length, asked], [1, 0])
})

t.test('what was sent at another time is not taken for ours', async (t) => {
  const far = await lookedUp((calledAtMs) => [
    { id: randomUUID(), atMs: calledAtMs - 20_000, body: 'text' },
    { id: randomUUID(), atMs: calledAtMs + 20_000, body: 'text' },
  ])
  t.match(far, { outcome: 'unknown' })
  const late = randomUUID()
  const near = await lookedUp((calledAtMs) => [{ id: late, atMs: calledAtMs + 10_000, body: 'changed on the way' }])
  t.match(near, { outcome: 'accepted', providerMessageId: late }, 'clocks differ, and carriers change texts')
})

t.test('of several texts near the time the own one is found', async (t) => {
  const own = randomUUID()
  const found = await lookedUp((calledAtMs) => [
    { id: randomUUID(), atMs: calledAtMs, body: 'another' },
    { id: own, atMs: calledAtMs + 3_000, body: 'Sent from a trial account - text' },
  ])
  t.match(found, { outcome: 'accepted', providerMessageId: own })
})

t.test('a worker that closes begins no further call', async (t) => {
  const stop = new AbortController()
  const [first, second] = [carrier('a', notSent), carrier('b', accepted)]
  const router = createRouter({ fence, lanes: [first.lane, second.lane] })
  const wanted = delivery(async () => {
    stop.abort()
    return 60_000
  })
  t.match(await router.deliver({ ...wanted, closing: stop.signal }), { verdict: 'again', afterMs: 100 })
  t.strictSame([first.sent.length, second.sent.length], [1, 0])
})

t.test('the code is looked at again directly before the call, whatever the job saw', async (t) => {
  const { lane, sent } = carrier('a', accepted)
  const router = createRouter({ fence, lanes: [lane] })
  t.strictSame(await router.deliver(delivery(async () => undefined)), { verdict: 'unwanted' })
  t.strictSame(
    await router.deliver(delivery(() => Promise.reject(new Error('Redis is away')))),
    { verdict: 'again', afterMs: 1_000 },
    'nobody said that it is over',
  )
  t.equal(sent.length, 0)
})

t.test(
  'a worker that was held up between its fence and its call does not call, and comes again after a pause',
  async (t) => {
    const { lane, sent } = carrier('a', accepted)
    const wanted = delivery(async () => {
      await sleep(1_100)
      return 60_000
    })
    t.strictSame(await createRouter({ fence, lanes: [lane] }).deliver(wanted), { verdict: 'again', afterMs: 1_000 })
    t.equal(sent.length, 0)
  },
)

/** The job itself over a real fence, with one live challenge and the events it would queue. */
function createJob(lane: Lane | readonly [Lane, ...Lane[]], { isLate = false, lifeMs = 60_000 } = {}) {
  const lanes = 'provider' in lane ? ([lane] as const) : lane
  const queued: DeliveryEvent[] = []
  const broken = new Set<DeliveryEvent['state']>()
  let left = 0
  const events = {
    add: async (_id: string, event: DeliveryEvent) => {
      if (broken.has(event.state)) throw new AppError('unavailable')
      queued.push(event)
    },
    has: async () => false,
    close: async () => undefined,
  }
  const nowMs = Date.now()
  const deadlineMs = nowMs + lifeMs
  const message = codeFor(somebody())
  const sendSms = createSendSms({
    openChallenge: async () => ({ verdict: 'open', nowMs, deadlineMs, message, locale: 'en' }),
    write: createWrite({
      render: createRender({ brand: 'Acme', languages: ['en'] }),
      writeLetter: createWriteLetter({ brand: 'Acme', languages: ['en'] }),
    }),
    fence,
    router: createRouter({ fence, lanes }),
    noteLane: async () => undefined,
    report: createDeliveryReport({ events, fence, explain: () => undefined }),
    optOuts: { nameOf: () => '', has: async () => false },
    lookAtSwitches: nothingSwitched,
    isLate: async () => isLate,
    lotOf: () => 0,
    share: createShare(1, 50),
    turnstile: async () => void (left += 1),
    observeAccept: () => undefined,
    observeEnd: () => undefined,
    log,
  })
  const job: SmsJob = {
    v: 1,
    messageId: randomUUID(),
    challengeId: `abc.${'0'.repeat(32)}`,
    generation: 1,
    purpose: 'sign_in',
    notAfter: new Date(deadlineMs).toISOString(),
    country: 'IN',
    requestId: 'r',
  }
  const run = (priority = 1) => sendSms.handle(job, { id: 'm', starts: 1, queuedAt: new Date(), priority, closing })
  return { run, bury: () => sendSms.bury(job), job, queued, broken, left: () => left }
}

t.test('an event that cannot be queued makes the job come again, and nothing is sent twice', async (t) => {
  const { lane, sent } = carrier('a', accepted)
  const { run, queued, broken } = createJob(lane)
  broken.add('sending')
  t.match(await run(), { then: 'again' }, 'the log has not heard of its beginning')
  broken.delete('sending')
  broken.add('accepted')
  t.match(await run(), { then: 'again' })
  t.match(await run(), { then: 'again' })
  broken.clear()
  t.strictSame(await run(), { then: 'done' })
  t.equal(sent.length, 1)
  t.match(queued.at(-1), { state: 'accepted', attempt: { number: 1 } })
})

t.test('in a late queue a code with little life steps back once, and is sent when its turn comes', async (t) => {
  const { lane, sent } = carrier('a', accepted)
  const dying = createJob(lane, { isLate: true, lifeMs: 29_000 })
  t.strictSame(await dying.run(), { then: 'again', afterMs: 0, priority: lateClass })
  t.equal(sent.length, 0)
  t.strictSame(await dying.run(lateClass), { then: 'done' })
  t.strictSame(await createJob(lane, { isLate: true, lifeMs: 31_000 }).run(), { then: 'done' })
  t.equal(sent.length, 2)
})

t.test('sign-ups that find no room leave by the turnstile, sign-ins at once', async (t) => {
  const { run, left } = createJob(carrier('a', notSent, notSent, accepted).lane)
  t.match(await run(1), { then: 'again' })
  t.equal(left(), 0)
  t.match(await run(3), { then: 'again' })
  t.equal(left(), 1)
  t.match(await run(3), { then: 'done' })
  t.equal(left(), 1)
})

t.test('a turnstile lets one through each time', async (t) => {
  const through = createTurnstile(20)
  const since = performance.now()
  await through()
  await Promise.all([1, 2, 3, 4, 5].map(through))
  t.ok(performance.now() - since >= 95)
})

t.test('a dead job is written down as failed, but never over an accept', async (t) => {
  const untouched = createJob(carrier('a', accepted).lane)
  await untouched.bury()
  t.match(untouched.queued, [{ state: 'failed', reason: 'carrier_failed' }])

  const taken = createJob(carrier('a', accepted).lane)
  taken.broken.add('accepted')
  await taken.run()
  taken.broken.clear()
  await taken.bury()
  t.notOk(taken.queued.some(({ state }) => state === 'failed'))
  t.match(taken.queued.at(-1), { state: 'accepted' })

  const lost = createJob(carrier('a', accepted).lane)
  await fence.take(lost.job.messageId, await fence.read(lost.job.messageId), 'a')
  await lost.bury()
  t.match(lost.queued, [{ state: 'unknown', attempt: { number: 1, outcome: 'unknown' } }, { state: 'unknown' }])

  const doubtful = createJob(carrier('a', unknown).lane)
  await doubtful.run()
  await doubtful.bury()
  t.match(doubtful.queued.at(-1), { state: 'unknown' })
})

t.test('a refusal after a send that may have arrived ends the message, and its log as unknown', async (t) => {
  const [first, second] = [carrier('a', unknown), carrier('b', rejected)]
  const { run, queued } = createJob([first.lane, second.lane])
  t.match(await run(), { then: 'again' })
  t.strictSame(await run(), { then: 'done' })
  t.strictSame([first.sent.length, second.sent.length], [1, 1])
  t.strictSame(
    queued.map((event) =>
      'word' in event
        ? [event.word]
        : [event.state, event.attempt?.outcome, ...(event.others ?? []).map(({ outcome }) => outcome)],
    ),
    [
      ['sending', undefined],
      ['unknown', undefined],
      ['sending', undefined],
      ['unknown', 'rejected', 'unknown'],
      ['unknown', undefined],
      ['refused'],
    ],
  )
})

t.test('a pause that would outlast the code is cut so that one more try is made', async (t) => {
  const { run } = createJob(carrier('a', notSent).lane, { lifeMs: 6_000 })
  for (let n = 0; n < 6; n += 1) {
    const verdict = await run()
    t.ok(verdict.then === 'again' && verdict.afterMs <= 5_000, JSON.stringify(verdict))
  }
})

t.test('in an outage a message is tried until its life is spent, then written down as unsent', async (t) => {
  const { run, queued } = createJob(carrier('a', notSent).lane, { lifeMs: 500 })
  t.strictSame(await run(), { then: 'done' })
  t.match(queued, [
    { state: 'sending' },
    { state: 'sending', attempt: { number: 1, outcome: 'not_sent' } },
    { state: 'expired_unsent' },
  ])
})
