import { randomUUID } from 'node:crypto'
import { switchesKey, type SwitchRecord } from '@latchkey/contracts/switch-record'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createAttemptFence } from '../src/routing/attempt-fence.js'
import { chooseLanes } from '../src/routing/choose.js'
import { createRouter } from '../src/routing/router.js'
import {
  centralEnv,
  codeFor,
  createSurroundings,
  createWorker,
  laneOf,
  randomPrefix,
  twilioEnv,
  workerEnv,
} from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

t.jobs = 8
const [twilio, central] = await Promise.all([startStandIn(t), startStandIn(t, 'messagecentral')])

/** A worker with both carriers, and the copy of the switches that users would write. */
function setUp(t: Test, env: Record<string, string> = {}) {
  const all = { ...workerEnv(), ...twilioEnv(twilio), ...centralEnv(central), ...env }
  const prefix = randomPrefix()
  const around = createSurroundings(t, all, prefix)
  const key = switchesKey(prefix)
  t.teardown(() => around.redis.del(key))
  let version = 0
  async function switched(
    ...switches: readonly (Partial<SwitchRecord> & Pick<SwitchRecord, 'does' | 'target' | 'name'>)[]
  ) {
    version += 1
    const fields = switches.map((each): [string, string] => [
      `${each.target}:${each.name}:${each.does}`,
      JSON.stringify({ since: at(-1_000), until: at(60_000), ...each }),
    ])
    await around.redis
      .multi()
      .del(key)
      .hset(key, { version, complete: '1', ...Object.fromEntries<string>(fields) })
      .exec()
  }
  const worker = createWorker(t, all, prefix, { carrierTimeoutMs: 5_000 })
  const send = async (job: Awaited<ReturnType<typeof around.open>>, options?: { timestamp: number }) => {
    await around.queue(job, options)
    // On a busy machine a call may take too long, and be made again.
    return [...new Set((await around.until(job, 'accepted')).flatMap(({ attempt }) => attempt?.provider ?? []))]
  }
  /** The last that is told of a message. */
  const endOf = async (job: Awaited<ReturnType<typeof around.open>>) => {
    await around.queue(job)
    await around.finished(job)
    return (await around.events(job)).at(-1)
  }
  return { ...around, switched, send, endOf, start: () => worker.consumer.start(), metrics: worker.metrics }
}
const at = (fromNowMs: number) => new Date(Date.now() + fromNowMs).toISOString()
const paused = { does: 'pause', target: 'lane', name: 'twilio' } as const

t.test(
  'a paused lane takes nothing: messages and decoys go elsewhere, and come back when it ends by itself',
  async (t) => {
    const { open, send, switched, start, metrics } = setUp(t)
    await switched(paused)
    start()
    t.strictSame(await send(await open({ message: codeFor(somebody()) })), ['messagecentral'])
    t.strictSame(await send(await open({ message: { kind: 'decoy' } })), ['decoy-messagecentral'])
    t.match(await metrics.metrics(), /latchkey_switched{.*does="pause",target="lane",name="twilio".*} 1/)
    await switched({ ...paused, until: at(500) })
    await eventually(
      'the end of the switch',
      async () => (await send(await open({ message: codeFor(somebody()) })))[0] === 'twilio',
    )
    t.notMatch(await metrics.metrics(), /latchkey_switched{/)
  },
)

t.test(
  'where a paused lane is the only one its messages wait, go out once it is resumed, and die with their codes',
  async (t) => {
    const { open, queue, until, switched, start, events } = setUp(t, { SMS_PROVIDERS: 'twilio' })
    await switched(paused)
    start()
    const [patient, dying] = [
      await open({ message: codeFor(somebody()) }),
      await open({ message: codeFor(somebody()), lifeMs: 2_500 }),
    ]
    await queue(patient)
    await queue(dying)
    await until(dying, 'expired_unsent')
    t.ok((await events(dying)).every(({ attempt }) => attempt === undefined))
    await switched()
    t.ok(await until(patient, 'accepted'))
  },
)

t.test('a lane that drains takes what was queued before, and nothing after', async (t) => {
  const { open, send, switched, start } = setUp(t)
  await switched({ ...paused, does: 'drain', since: at(-30_000) })
  start()
  t.strictSame(await send(await open({ message: codeFor(somebody()) }), { timestamp: Date.now() - 60_000 }), ['twilio'])
  t.strictSame(await send(await open({ message: codeFor(somebody()) })), ['messagecentral'])
})

t.test('a weight takes the place of that of the route, and one of 0 leaves a lane for last', (t) => {
  const lanes = new Map(
    ['a', 'b'].map((name) => [name, laneOf({ name, timeoutMs: 1, send: async () => ({ outcome: 'unknown' }) })]),
  )
  const first = (weights: Record<string, number>, random: number) =>
    chooseLanes({
      route: { whose: '*', steps: [['a', 'b'].map((lane) => ({ lane, weight: lane === 'a' ? 90 : 10 }))] },
      lanes,
      view: { rev: '0', nowMs: 0, reported: 0, attempts: [] },
      random: () => random,
      weightOf: (lane) => weights[lane],
    }).map(({ name }) => name)
  t.strictSame(first({}, 0.5), ['a', 'b'])
  t.strictSame(first({ a: 1 }, 0.5), ['b', 'a'])
  t.strictSame(first({ a: 0 }, 0), ['b', 'a'])
  t.strictSame(first({ a: 0, b: 0 }, 0.5), ['a', 'b'])
  t.end()
})

t.test(
  'nothing is sent to a stopped country or for a stopped purpose, decoys alike, and the log says why',
  async (t) => {
    const { open, endOf, switched, start, events } = setUp(t)
    await switched({ does: 'stop', target: 'country', name: 'IN' })
    start()
    const to = somebody()
    for (const message of [codeFor(to), { kind: 'decoy' as const }]) {
      const job = await open({ message })
      t.match(await endOf(job), { state: 'failed', reason: 'stopped' })
      t.ok((await events(job)).every(({ attempt }) => attempt === undefined))
    }
    await switched({ does: 'stop', target: 'purpose', name: 'sign_up' })
    const job = await open({ message: codeFor(to), purpose: 'sign_up' })
    t.match(await endOf(job), { state: 'failed', reason: 'stopped' })
    t.strictSame([await twilio.ledger(to), await central.ledger(to)], [[], []])
  },
)

t.test('an owner is told that an account left his phone whatever is stopped', async (t) => {
  const { open, endOf, switched, start } = setUp(t)
  await switched(
    { does: 'stop', target: 'purpose', name: 'change_phone' },
    { does: 'stop', target: 'country', name: 'IN' },
  )
  start()
  const message = { kind: 'phone_changed', to: somebody(), undoToken: 'abcdefghijklmnopqrstuvwxyzab' } as const
  t.match(await endOf(await open({ message, purpose: 'change_phone' })), { state: 'accepted' })
})

t.test('a message that stood in line at a lane that was paused meanwhile does not go through it', async (t) => {
  const { redis } = setUp(t)
  let switchedNow = false
  const calls: string[] = []
  const lane = laneOf({
    name: 'a',
    timeoutMs: 200,
    send: async ({ id }) => {
      calls.push(id)
      return { outcome: 'accepted', providerMessageId: id }
    },
  })
  const turn = async () => (switchedNow = true)
  const router = createRouter({
    fence: createAttemptFence(redis),
    lanes: [{ ...lane, turn }],
    lookAtSwitches: async () => ({
      switches: [],
      takes: () => !switchedNow,
      weightOf: () => undefined,
      stops: () => false,
    }),
  })
  const round = await router.deliver({
    message: { id: randomUUID(), to: somebody(), body: 'text' },
    destination: { country: 'IN' },
    place: { id: 'm', priority: 1, deadlineMs: Date.now() + 60_000, queuedAt: new Date() },
    starts: 1,
    lifeLeft: async () => 60_000,
    took: async () => undefined,
    closing: new AbortController().signal,
  })
  t.match(round, { verdict: 'again' })
  t.strictSame(calls, [])
})
