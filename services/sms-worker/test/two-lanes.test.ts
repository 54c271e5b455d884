import { randomUUID } from 'node:crypto'
import { challengeKey } from '@latchkey/contracts/challenge-record'
import { createNoteLane } from '../src/routing/last-lane.js'
import t, { type Test } from 'tap'
import {
  attemptsIn,
  centralEnv,
  codeFor,
  createSurroundings,
  createWorker,
  randomPrefix,
  twilioEnv,
  workerEnv,
} from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

t.jobs = 6
const [twilio, central] = await Promise.all([startStandIn(t), startStandIn(t, 'messagecentral')])

/** A worker with both carriers on a queue of its own. */
function setUp(t: Test, env: Record<string, string> = {}) {
  const all = { ...workerEnv(), ...twilioEnv(twilio), ...centralEnv(central), ...env }
  const prefix = randomPrefix()
  const around = createSurroundings(t, all, prefix)
  createWorker(t, all, prefix, { carrierTimeoutMs: 5_000 }).consumer.start()
  const send = async (job: Awaited<ReturnType<typeof around.open>>) => {
    await around.queue(job)
    return attemptsIn(await around.until(job, 'accepted', 30_000)).map(({ provider }) => provider)
  }
  return { ...around, send, again: (job: Parameters<typeof send>[0]) => send({ ...job, messageId: randomUUID() }) }
}

t.test('a resend takes another lane than the send it repeats, and a decoy the same ones', async (t) => {
  const { open, send, again } = setUp(t)
  const to = somebody()
  const job = await open({ message: codeFor(to) })
  t.strictSame([await send(job), await again(job), await again(job)], [['twilio'], ['messagecentral'], ['twilio']])
  t.strictSame([(await twilio.ledger(to)).length, (await central.ledger(to)).length], [2, 1])
  const decoy = await open({ message: { kind: 'decoy' } })
  t.strictSame([await send(decoy), await again(decoy)], [['decoy-twilio'], ['decoy-messagecentral']])
})

t.test('a message that must not be sent takes the route of its number', async (t) => {
  const { open, send, change } = setUp(t, { SMS_ROUTES: 'IN: twilio; +91987: messagecentral' })
  const job = await open({ message: codeFor('+919876543210') })
  await change(job, { quiet: job.messageId })
  t.strictSame(await send(job), ['decoy-messagecentral'])
  t.strictSame(await send(await open({ message: { kind: 'decoy', range: '+9198765' } })), ['decoy-messagecentral'])
})

t.test('what one carrier does not take goes through the other in the same job, within the life left', async (t) => {
  const { open, send } = setUp(t)
  const through = async (fault: object) => {
    const to = somebody()
    await twilio.order({ to, ...fault })
    const providers = await send(await open({ message: codeFor(to) }))
    t.equal((await central.ledger(to)).length, 1)
    return providers
  }
  const both = ['twilio', 'messagecentral']
  t.strictSame(await through({ fault: '429', ms: 600_000 }), both)
  t.strictSame(await through({ code: 21612 }), both, 'Twilio has no way to this number')
  t.strictSame(await through({ code: 20003 }), both)
  t.strictSame(await through({ fault: 'reset-before' }), both, 'nobody knows of the first')
})

t.test('where no carrier has a way to a number the reason of the first is told', async (t) => {
  const { open, queue, finished, events } = setUp(t)
  const to = somebody()
  await twilio.order({ to, code: 21612 })
  await central.order({ to, code: 511 })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await finished(job)
  t.strictSame(
    (await events(job)).map(({ state, reason, attempt, others = [] }) => [
      state,
      reason,
      attempt?.provider,
      ...others.map(({ provider }) => provider),
    ]),
    [
      ['sending', undefined, undefined],
      ['rejected', 'blocked', 'twilio', 'messagecentral'],
    ],
  )
})

t.test('the second copy of a message is told together with the first', async (t) => {
  const { open, queue, until } = setUp(t)
  const to = somebody()
  await twilio.order({ to, fault: '503-after-accept' })
  await twilio.order({ to, fault: 'lag', on: 'list' })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  const told = (await until(job, 'accepted')).find(({ state }) => state === 'accepted')
  t.match(told, {
    v: 3,
    attempt: { number: 2, provider: 'messagecentral' },
    others: [{ number: 1, provider: 'twilio', outcome: 'unknown' }],
  })
})

t.test('the lane of a challenge that is gone is not written down: it would stay for ever', async (t) => {
  const { redis, ids } = setUp(t)
  const id = ids.create('abc')
  const note = createNoteLane({ redis, ids })
  await note(id, 'twilio')
  t.equal(await redis.exists(challengeKey(ids.shardOf(id), id)), 0)
})
