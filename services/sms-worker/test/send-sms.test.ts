import { setTimeout as sleep } from 'node:timers/promises'
import { type DeliveryEvent, deliveryEventJobId } from '@latchkey/contracts/queues/delivery-event'
import type { ChallengeMessage } from '@latchkey/contracts/challenge-record'
import { smsJobId } from '@latchkey/contracts/queues/sms'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { attemptsIn, codeFor, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { ourNumber, somebody, startStandIn } from './stand-in.js'

t.jobs = 8
const standIn = await startStandIn(t)

/** A queue, challenges and (unless `workers` says otherwise) one worker of its own. */
function setUp(
  t: Test,
  {
    workers = 1,
    env = {},
    ...options
  }: Parameters<typeof createWorker>[3] & { workers?: number; env?: Record<string, string> } = {},
) {
  const all = { ...workerEnv(), ...twilioEnv(standIn), ...env }
  const prefix = randomPrefix()
  const around = createSurroundings(t, all, prefix)
  const start = () => {
    // On a busy machine the stand-in is slow to answer as well.
    const worker = createWorker(t, all, prefix, { carrierTimeoutMs: 3_000, ...options })
    worker.consumer.start()
    return worker
  }
  for (let n = 0; n < workers; n += 1) start()
  return { ...around, start }
}

/** A machine without time for it may be late once; what is late three times is. Gives what was wrong with the last round. */
async function insisting(round: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let wrong = await round()
  for (let more = 2; wrong.length > 0 && more > 0; more--) wrong = await round()
  return wrong
}

t.test('a code is sent once, and the log hears of every step', async (t) => {
  const { open, queue, until, finished } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  await queue(job)
  const events = await until(job, 'accepted')
  await finished(job)
  const [accept, ...more] = await standIn.ledger(to)
  t.strictSame(more, [])
  t.match(accept, { body: "Latchkey: 483921 is your code. Don't share it with anyone.", from: ourNumber })
  t.ok((accept?.validityPeriod ?? 0) <= 60 && (accept?.validityPeriod ?? 0) > 50)
  const { messageId, challengeId, requestId } = job
  t.match(
    events.map(({ state }) => state),
    ['sending', 'accepted'],
  )
  t.match(events[1], {
    messageId,
    challengeId,
    requestId,
    country: 'IN',
    attempt: { number: 1, provider: 'twilio', outcome: 'accepted', providerMessageId: accept?.sid },
  })
})

t.test('a job that is queued again after its end sends nothing, and says the same again', async (t) => {
  const { open, queue, until, finished, sms, events } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await until(job, 'accepted')
  await finished(job)
  const ids = (await events(job)).map(deliveryEventJobId)
  await sms.remove(smsJobId(job.messageId))
  await queue(job)
  await finished(job)
  t.equal((await standIn.ledger(to)).length, 1)
  t.strictSame(new Set((await events(job)).map(deliveryEventJobId)), new Set(ids))
})

t.test('five workers on one message send it once', async (t) => {
  const { open, queue, until } = setUp(t, { workers: 5 })
  const numbers = Array.from({ length: 10 }, somebody)
  const jobs = await Promise.all(numbers.map((to) => open({ message: codeFor(to) })))
  await Promise.all(jobs.map((job) => queue(job)))
  await Promise.all(jobs.map((job) => until(job, 'accepted')))
  for (const to of numbers) t.equal((await standIn.ledger(to)).length, 1)
})

t.test('a repeat of the same code is a message of its own, and both go', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = somebody()
  const first = await open({ message: codeFor(to) })
  const second = { ...first, messageId: (await open({ message: codeFor(to) })).messageId }
  await queue(first)
  await queue(second)
  await until(first, 'accepted')
  await until(second, 'accepted')
  t.strictSame(new Set((await standIn.ledger(to)).map(({ body }) => body)).size, 1)
  t.equal((await standIn.ledger(to)).length, 2)
})

t.test('an expired, used, superseded, vanished or unreadable code is never sent', async (t) => {
  const { open, queue, until, finished, change, remove } = setUp(t)
  const to = somebody()
  const message = codeFor(to)
  const expired = await open({ message, lifeMs: -1 })
  const tooLate = await open({ message, notAfterMs: -1 })
  const used = await open({ message })
  await change(used, { state: 'used' })
  const replaced = await open({ message })
  await change(replaced, { state: 'superseded' })
  const newer = await open({ message })
  await change(newer, { generation: 2 })
  const gone = await open({ message })
  await remove(gone)
  const longGone = await open({ message, notAfterMs: -1 })
  await remove(longGone)
  const usedAndLate = await open({ message, notAfterMs: -1 })
  await change(usedAndLate, { state: 'used' })
  const garbled = await open({ message })
  await change(garbled, { box: 'k1.a.b.c' })
  const moved = await open({ message })
  await change(moved, { generation: 2 })
  for (const job of [expired, tooLate, used, replaced, newer, gone, longGone, usedAndLate, garbled]) await queue(job)
  await queue({ ...moved, generation: 2 })
  t.equal((await until(expired, 'expired_unsent')).length, 1)
  for (const job of [tooLate, longGone, usedAndLate]) t.equal((await until(job, 'expired_unsent')).length, 1)
  for (const job of [used, replaced, newer, gone]) t.equal((await until(job, 'superseded_unsent')).length, 1)
  t.match(await until(garbled, 'failed'), [{ reason: 'misconfigured' }])
  await until(moved, 'failed')
  for (const job of [expired, tooLate, used, replaced, newer, gone, garbled, moved]) await finished(job)
  t.strictSame(await standIn.ledger(to), [])
})

t.test('the life of a code is judged by the clock of the challenges', async (t) => {
  const { open, queue, until } = setUp(t, { clockOffsetMs: 61_000 })
  const to = somebody()
  const job = await open({ message: codeFor(to), lifeMs: 60_000 })
  await queue(job)
  await until(job, 'expired_unsent')
  t.strictSame(await standIn.ledger(to), [])
})

t.test('a code that is used while its message waits for another try is not sent', async (t) => {
  const { open, queue, until, change } = setUp(t)
  const to = somebody()
  await standIn.order({ to, fault: '429', ms: 1_000 })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await eventually('the first try', async () => (await until(job, 'sending')).length >= 2)
  await change(job, { state: 'used' })
  await standIn.withdraw(to)
  await until(job, 'superseded_unsent')
  t.strictSame(await standIn.ledger(to), [])
})

t.test('what Twilio refuses for good is not tried again, and the reason is told', async (t) => {
  const { open, queue, until, finished } = setUp(t)
  const to = somebody()
  await standIn.order({ to, code: 21614, times: 1 })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  const events = await until(job, 'rejected')
  await finished(job)
  t.match(events.at(-1), { reason: 'not_mobile', attempt: { outcome: 'rejected', carrierCode: '21614' } })
  t.strictSame(await standIn.ledger(to), [])
})

t.test('wrong credentials end the message at once as ours to mend', async (t) => {
  const { open, queue, until } = setUp(t, { env: { TWILIO_AUTH_TOKEN: 'wrong' } })
  const job = await open({ message: codeFor(somebody()) })
  await queue(job)
  const events = await until(job, 'failed')
  t.match(events.at(-1), { reason: 'misconfigured' })
  t.match(events.at(-2), { state: 'sending', attempt: { outcome: 'not_sent', carrierCode: '20003' } })
})

t.test('too fast is tried again when Twilio asked to, and then goes once', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = somebody()
  await standIn.order({ to, fault: '429', ms: 3_000, times: 1 })
  const job = await open({ message: codeFor(to) })
  const since = Date.now()
  await queue(job)
  const events = await until(job, 'accepted')
  t.ok(Date.now() - since >= 3_000)
  t.strictSame(
    events.map(({ state, attempt }) => [state, attempt?.outcome]),
    [
      ['sending', undefined],
      ['sending', 'not_sent'],
      ['accepted', 'accepted'],
    ],
  )
  t.equal((await standIn.ledger(to)).length, 1)
})

t.test('asked to wait for longer than the code lives, it is tried once more near its end', async (t) => {
  const { open, queue, events } = setUp(t)
  const ended = (job: Awaited<ReturnType<typeof open>>) =>
    eventually(
      'an end',
      async () => {
        const all = await events(job)
        return all.some(({ state }) => state === 'accepted' || state === 'expired_unsent') && all
      },
      20_000,
    )
  const wrong = await insisting(async () => {
    const [lucky, unlucky] = [somebody(), somebody()]
    await standIn.order({ to: lucky, fault: '429', ms: 60_000, times: 1 })
    await standIn.order({ to: unlucky, fault: '429', ms: 60_000 })
    const jobs = [
      await open({ message: codeFor(lucky), lifeMs: 5_000 }),
      await open({ message: codeFor(unlucky), lifeMs: 5_000 }),
    ] as const
    const since = Date.now()
    for (const job of jobs) await queue(job)
    const [first, second] = [await ended(jobs[0]), await ended(jobs[1])]
    t.ok(Date.now() - since >= 3_500)
    t.strictSame(await standIn.ledger(unlucky), [])
    const inTime = first.at(-1)?.attempt?.number === 2 && first.at(-1)?.state === 'accepted'
    const triedToo = second.at(-2)?.attempt?.number === 2 && second.at(-2)?.attempt?.outcome === 'not_sent'
    return [...(inTime ? [] : ['no second try']), ...(triedToo ? [] : ['no second try of the unlucky one'])]
  })
  t.strictSame(wrong, [])
})

t.test('what may have been sent is looked up once more when the code has died', async (t) => {
  // However late the job is begun, less than 2 s of its life are left when the call is given up: too little to send again.
  const { open, queue, until } = setUp(t, { carrierTimeoutMs: 5_000 })
  const to = somebody()
  await standIn.order({ to, fault: 'slow', ms: 8_000 })
  const job = await open({ message: codeFor(to), lifeMs: 6_500 })
  await queue(job)
  const events = await until(job, 'accepted')
  const [accept, ...more] = await standIn.ledger(to)
  t.strictSame(more, [])
  t.match(events.at(-1)?.attempt, { number: 1, providerMessageId: accept?.sid })
})

t.test('a call whose worker died is in the log, whatever became of the code', async (t) => {
  const { open, queue, until, finished, redis, change, events } = setUp(t)
  const job = await open({ message: codeFor(somebody()) })
  await change(job, { state: 'used' })
  await redis.hset(`{latchkey}:fence:${job.messageId}`, {
    rev: 1,
    count: 1,
    '1:provider': 'twilio',
    '1:startedAt': Date.now() - 60_000,
  })
  await queue(job)
  await until(job, 'unknown')
  await finished(job)
  t.match((await events(job))[0], { state: 'unknown', attempt: { number: 1, provider: 'twilio', outcome: 'unknown' } })
})

for (const fault of ['reset-after-accept', 'truncated', 'slow-drip', 'slow', 'odd-sid'] as const)
  t.test(`${fault}: the accept that was not heard is found, and nothing is sent again`, async (t) => {
    const { open, queue, until } = setUp(t)
    const to = somebody()
    await standIn.order({ to, fault, ms: 5_000 })
    const job = await open({ message: codeFor(to) })
    await queue(job)
    const events = await until(job, 'accepted')
    const [accept, ...more] = await standIn.ledger(to)
    t.strictSame(more, [])
    t.match(events.at(-1)?.attempt, { number: 1, outcome: 'accepted', providerMessageId: accept?.sid })
    t.ok(events.some(({ state, attempt }) => state === 'unknown' && attempt === undefined))
  })

for (const fault of ['503', 'hang', 'reset-before', 'html-200', 'error-200'] as const)
  t.test(`${fault}: what was not taken is looked for in vain, then sent again, and arrives once`, async (t) => {
    const { open, queue, until } = setUp(t)
    const to = somebody()
    await standIn.order({ to, fault, times: 1 })
    const job = await open({ message: codeFor(to) })
    await queue(job)
    const events = await until(job, 'accepted')
    t.equal((await standIn.ledger(to)).length, 1)
    t.match(attemptsIn(events), [
      { number: 1, outcome: 'unknown' },
      { number: 2, outcome: 'accepted' },
    ])
  })

t.test('an accept is found although the carrier changed the text', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = somebody()
  await standIn.order({ to, fault: 'reset-after-accept', prefix: 'Sent from your Twilio trial account - ' })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  const events = await until(job, 'accepted')
  const [accept, ...more] = await standIn.ledger(to)
  t.strictSame(more, [])
  t.match(accept, { body: /^Sent from your Twilio trial account - Latchkey: 483921/ })
  t.match(events.at(-1)?.attempt, { number: 1, providerMessageId: accept?.sid })
})

t.test('one SMS is not credited to two messages of the same text', async (t) => {
  const { open, queue, until, finished } = setUp(t)
  const to = somebody()
  const first = await open({ message: codeFor(to) })
  const second = { ...first, messageId: (await open({ message: codeFor(to) })).messageId }
  await queue(first)
  await until(first, 'accepted')
  await standIn.order({ to, fault: 'reset-before', times: 1 })
  await queue(second)
  const events = await until(second, 'accepted')
  await finished(second)
  const sids = (await standIn.ledger(to)).map(({ sid }) => sid)
  t.equal(sids.length, 2)
  t.match(events.at(-1)?.attempt, { number: 2, providerMessageId: sids[1] })
})

for (const fault of ['503', 'lag'] as const)
  t.test(`two sends and never a third where every look-up ends in ${fault}; the end is unknown`, async (t) => {
    const { open, queue, until, finished } = setUp(t)
    const to = somebody()
    await standIn.order({ to, fault: 'reset-after-accept' })
    await standIn.order({ to, fault, on: 'list' })
    const job = await open({ message: codeFor(to), lifeMs: 8_000 })
    await queue(job)
    await finished(job)
    const bodies = (await standIn.ledger(to)).map(({ body }) => body)
    t.equal(bodies.length, 2)
    t.equal(new Set(bodies).size, 1)
    const events = await until(job, 'unknown')
    t.match(attemptsIn(events), [
      { number: 1, outcome: 'unknown' },
      { number: 2, outcome: 'unknown' },
    ])
  })

t.test('a decoy reaches no carrier, and moves in the log as a real message does', async (t) => {
  const { open, queue, until, finished } = setUp(t, { env: { SMS_PROVIDERS: 'inbox' } })
  const real = await open({ message: codeFor(somebody()) })
  const decoy = await open({ message: { kind: 'decoy' } })
  await queue(real)
  await queue(decoy)
  const shape = async (job: typeof real) => {
    const events = await until(job, 'delivered')
    await finished(job)
    return shapeOf(events)
  }
  t.strictSame(await shape(decoy), await shape(real))
  t.match((await until(decoy, 'accepted'))[1], { attempt: { provider: 'decoy-inbox' } })
})

const shapeOf = (events: readonly DeliveryEvent[]) =>
  events.map(({ state, attempt }) => [state, attempt?.number, attempt?.outcome])

/** Ms from a message's first event to the first of each state. */
const timesOf = (events: readonly DeliveryEvent[]) => {
  const times = new Map<string, number>()
  for (const { state, at } of [...events].reverse()) times.set(state, Date.parse(at) - Date.parse(events[0]?.at ?? ''))
  return times
}

/** What would tell the one from the other. */
function differencesOf(played: readonly DeliveryEvent[], told: readonly DeliveryEvent[]): string[] {
  const [shapes, wanted] = [JSON.stringify(shapeOf(played)), JSON.stringify(shapeOf(told))]
  if (shapes !== wanted) return [`${shapes} instead of ${wanted}`]
  const times = timesOf(played)
  return [...timesOf(told)]
    .filter(([state, ms]) => Math.abs(ms - (times.get(state) ?? Infinity)) >= 1_000)
    .map(([state, ms]) => `${state} after ${times.get(state)} ms instead of ${ms}`)
}

const ailments = [
  { fault: 'slow', ms: 1_500 },
  { fault: '429', ms: 600_000 },
  { fault: '429', ms: 1_000 },
  { fault: '503' },
  { fault: 'hang' },
  { fault: 'reset-after-accept' },
  { code: 20003 },
] as const
for (const ailment of ailments)
  t.test(`nobody can tell a decoy from a message while the carrier shows ${JSON.stringify(ailment)}`, async (t) => {
    // One real message among three would be the probe of a lane that is away, and the other two would only wait.
    const laneTimes = { lastResortMs: 60_000 }
    const { open, queue, change, events, finished } = setUp(t, { carrierTimeoutMs: 2_000, laneTimes })
    const job = async (number: ReturnType<typeof somebody> | undefined) =>
      open({ message: number === undefined ? { kind: 'decoy' } : codeFor(number), lifeMs: 7_000 })
    const differences = await insisting(async () => {
      const [earlier, to] = [somebody(), somebody()]
      for (const number of [earlier, to]) await standIn.order({ to: number, ...ailment })
      const first = await job(earlier)
      await queue(first)
      await finished(first)
      const sentBefore = (await standIn.ledger(earlier)).length
      const [real, decoy] = [await job(to), await job(undefined)]
      // A quiet repeat is played like a decoy, whatever its challenge says.
      const quiet = await job(earlier)
      await change(quiet, { quiet: `another,${quiet.messageId}` })
      for (const each of [real, decoy, quiet]) await queue(each)
      for (const each of [real, decoy, quiet]) await finished(each)
      t.equal((await standIn.ledger(earlier)).length, sentBefore, 'nothing was sent')
      const told = await events(real)
      return [...differencesOf(await events(decoy), told), ...differencesOf(await events(quiet), told)]
    })
    t.strictSame(differences, [])
  })

t.test('test numbers go to the inbox and never to a carrier', async (t) => {
  const to = somebody()
  const { open, queue, until } = setUp(t, { env: { TEST_NUMBERS: `${to}=111111,+1234567890` } })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  t.match(await until(job, 'delivered'), [{}, { attempt: { provider: 'inbox' } }, {}])
  t.strictSame(await standIn.ledger(to), [])
})

t.test('an owner whose number somebody tried to sign up is told so, without a code', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = somebody()
  const message = { kind: 'account_exists', to } as ChallengeMessage
  const job = await open({ message, purpose: 'sign_up' })
  await queue(job)
  await until(job, 'accepted')
  t.match(await standIn.ledger(to), [{ body: /already has an account/ }])
})

t.test('classes are served in order, first in first out within one', async (t) => {
  const { open, queue, until, start } = setUp(t, { workers: 0, env: { WORKER_CONCURRENCY: '1' } })
  const order = ['sign_up', 'reset_password', 'sign_in', 'sign_up', 'sign_in'] as const
  const jobs = []
  for (const purpose of order) {
    const job = await open({ message: codeFor(somebody()), purpose })
    await queue(job)
    jobs.push(job)
  }
  start()
  const accepted = await Promise.all(
    jobs.map(async (job, index) => ({ index, at: (await until(job, 'accepted')).at(-1)?.attempt?.startedAt ?? '' })),
  )
  const served = accepted.sort((a, b) => a.at.localeCompare(b.at)).map(({ index }) => index)
  t.strictSame(served, [2, 4, 1, 0, 3])
})

t.test('in a late queue a code with little life goes behind the rest, once', async (t) => {
  const { open, queue, until, start } = setUp(t, { workers: 0, env: { WORKER_CONCURRENCY: '1' } })
  const old = Date.now() - 60_000
  const dying = await open({ message: codeFor(somebody()), lifeMs: 20_000 })
  await queue(dying)
  const rest = []
  for (let n = 0; n < 3; n += 1) {
    const job = await open({ message: codeFor(somebody()), purpose: 'sign_up', lifeMs: 300_000 })
    await queue(job, { timestamp: old })
    rest.push(job)
  }
  start()
  const startOf = async (job: typeof dying) => (await until(job, 'accepted')).at(-1)?.attempt?.startedAt ?? ''
  const behind = await startOf(dying)
  for (const job of rest) t.ok((await startOf(job)) <= behind)
})

t.test('the inbox holds what was sent, sealed: no number and no code in Redis or the queue', async (t) => {
  const { open, queue, until, redis, sealer, sms, log } = setUp(t, { env: { SMS_PROVIDERS: 'inbox' } })
  const to = somebody()
  const job = await open({ message: codeFor(to, '907152') })
  await queue(job)
  await until(job, 'delivered')
  const boxes = await redis.lrange('lk:inbox', 0, -1)
  const entries = boxes.flatMap((box) => {
    try {
      return [JSON.parse(sealer.open(box, 'inbox')) as { to: string; body: string }]
    } catch {
      return []
    }
  })
  t.match(entries, [{ to, body: /907152/ }])
  const ttl = await redis.ttl('lk:inbox')
  t.ok(ttl > 0 && ttl <= 3_600)
  const jobs = [...(await sms.getJobs()), ...(await log.getJobs())].map((each) => JSON.stringify(each.asJSON()))
  const fence = await redis.hgetall(`{latchkey}:fence:${job.messageId}`)
  const everything = [...boxes, ...jobs, JSON.stringify(fence)].join('\n')
  t.notMatch(everything, to.slice(1))
  t.notMatch(everything, '907152')
})

t.test('a call whose worker died after the carrier took it is found: one accept', async (t) => {
  const { open, queue, until, redis } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  // As a worker leaves it that is killed between the carrier's accept and writing it down.
  await redis.hset(`{latchkey}:fence:${job.messageId}`, {
    rev: 1,
    count: 1,
    '1:provider': 'twilio',
    '1:startedAt': Date.now(),
  })
  await acceptDirectly(to, "Latchkey: 483921 is your code. Don't share it with anyone.")
  await queue(job)
  const events = await until(job, 'accepted')
  const [accept, ...more] = await standIn.ledger(to)
  t.strictSame(more, [])
  t.match(events.at(-1)?.attempt, { number: 1, providerMessageId: accept?.sid })
})

async function acceptDirectly(to: string, body: string): Promise<void> {
  const { TWILIO_ACCOUNT_SID: sid = '', TWILIO_AUTH_TOKEN: token = '' } = twilioEnv(standIn)
  await fetch(`${standIn.url}/2010-04-01/Accounts/${sid}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString('base64')}` },
    body: new URLSearchParams({ To: to, From: ourNumber, Body: body }),
  })
}

t.test('a call whose worker died before the carrier took it is waited out, then made again', async (t) => {
  const { open, queue, until, redis } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  const since = Date.now()
  await redis.hset(`{latchkey}:fence:${job.messageId}`, {
    rev: 1,
    count: 1,
    '1:provider': 'twilio',
    '1:startedAt': since,
  })
  await queue(job)
  const events = await until(job, 'accepted')
  t.ok(Date.now() - since >= 5_000, 'not while the other call may still be under way')
  t.equal((await standIn.ledger(to)).length, 1)
  t.match(events.at(-1)?.attempt, { number: 2, outcome: 'accepted' })
})

t.test('a message whose workers died twice in a call is not tried a third time', async (t) => {
  const { open, queue, until, redis } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  const old = Date.now() - 60_000
  await redis.hset(`{latchkey}:fence:${job.messageId}`, {
    rev: 2,
    count: 2,
    '1:provider': 'twilio',
    '1:startedAt': old,
    '2:provider': 'twilio',
    '2:startedAt': old,
  })
  await queue(job)
  await until(job, 'unknown')
  await sleep(300)
  t.strictSame(await standIn.ledger(to), [])
})
