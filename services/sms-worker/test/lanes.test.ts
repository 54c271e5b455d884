import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { nobody } from '@latchkey/contracts/phone'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'
import { eventually, testStores } from '@latchkey/kit/testing'
import t from 'tap'
import type { SendOutcome, SmsMessage, SmsProvider } from '../src/providers/provider.js'
import { createAttemptFence, possibleAccepts } from '../src/routing/attempt-fence.js'
import type { LaneTimes } from '../src/routing/lane-health.js'
import { createPace } from '../src/routing/pace.js'
import { createRouter, type Delivery } from '../src/routing/router.js'
import { parseRoutes } from '../src/routing/routes.js'
import { createWaitingRoom } from '../src/routing/waiting-room.js'
import { laneOf, randomPrefix } from './harness.js'
import { somebody } from './stand-in.js'

t.jobs = 8
const redis = createRedis(testStores().redisUrl, { log: createLog('test', 'fatal'), name: 'test', patience: 'request' })
t.teardown(() => redis.disconnect())
await eventually('redis', async () => redis.status === 'ready')
const fence = createAttemptFence(redis)

const accepted: SendOutcome = { outcome: 'accepted', providerMessageId: 'SM1' }
const notSent: SendOutcome = { outcome: 'not_sent', reason: 'carrier_failed' }
const unknown: SendOutcome = { outcome: 'unknown' }
const stranger: SendOutcome = { outcome: 'not_sent', reason: 'misconfigured', permanent: true, barred: true }
const misused: SendOutcome = { outcome: 'not_sent', reason: 'misconfigured', permanent: true }
const noWay: SendOutcome = { outcome: 'rejected', reason: 'blocked', elsewhere: true }
const optedOut: SendOutcome = { outcome: 'rejected', reason: 'opted_out' }

/** A lane over a carrier that answers as it is told at the moment. */
function carrier(name: string, says: SendOutcome = accepted, times: Partial<LaneTimes> = {}) {
  const sent: SmsMessage[] = []
  const state = { says }
  const provider: SmsProvider = {
    name,
    timeoutMs: 200,
    send: async (message) => {
      sent.push(message)
      return state.says
    },
  }
  return { lane: laneOf(provider, times), sent, say: (outcome: SendOutcome) => (state.says = outcome) }
}
type Carrier = ReturnType<typeof carrier>

const wanted = (more: Partial<Delivery> = {}): Delivery => ({
  message: { id: randomUUID(), to: somebody(), body: 'text' },
  destination: { country: 'IN' },
  place: { id: 'm', priority: 1, deadlineMs: Date.now() + 60_000, queuedAt: new Date() },
  starts: 1,
  lifeLeft: async () => 60_000,
  took: async () => undefined,
  closing: new AbortController().signal,
  ...more,
})

function routerOver(carriers: readonly [Carrier, ...Carrier[]], rules?: string, random: () => number = () => 0) {
  const [first, ...rest] = carriers
  const names = carriers.map(({ lane }) => lane.name)
  const { routes } = parseRoutes(rules, names)
  return createRouter({ fence, lanes: [first.lane, ...rest.map(({ lane }) => lane)], routes, random })
}

const counts = (...carriers: readonly Carrier[]) => carriers.map(({ sent }) => sent.length)
async function send(router: ReturnType<typeof routerOver>, times: number, more: Partial<Delivery> = {}) {
  const rounds = []
  for (let n = 0; n < times; n += 1) rounds.push((await router.deliver(wanted(more))).verdict)
  return rounds
}

t.test('each country and range goes its own way, in its order', async (t) => {
  const [a, b] = [carrier('a'), carrier('b')]
  const router = routerOver([a, b], 'IN: b > a; +91987: a')
  await send(router, 1)
  t.strictSame(counts(a, b), [0, 1])
  await send(router, 1, { destination: { country: 'IN', range: '+9198765' } })
  await send(router, 1, { destination: { country: 'FR', range: '+3361234' } })
  t.strictSame(counts(a, b), [2, 1])
})

t.test('lanes of one step share by weight', async (t) => {
  const [a, b] = [carrier('a'), carrier('b')]
  await send(routerOver([a, b], '*: a 80, b 20', Math.random), 200)
  t.ok(a.sent.length > 130 && a.sent.length < 185, counts(a, b).join(', '))
  t.equal(a.sent.length + b.sent.length, 200)
})

t.test(
  'a message of unknown end goes out once more through another lane, and never a third time over all',
  async (t) => {
    const all = [carrier('a', unknown), carrier('b', unknown), carrier('c', unknown)] as const
    const router = routerOver(all)
    const message = wanted()
    t.match(await router.deliver(message), { verdict: 'again', afterMs: 2_000 })
    await router.deliver(message)
    for (let n = 0; n < 3; n += 1) t.strictSame(await router.deliver(message), { verdict: 'spent' })
    t.strictSame(counts(...all), [1, 1, 0])
    t.equal(possibleAccepts(await fence.read(message.message.id)), 2)
  },
)

t.test('a message that another worker took up meanwhile is left to it', async (t) => {
  const [a, b] = [carrier('a'), carrier('b')]
  const message = wanted()
  const { id } = message.message
  const provider: SmsProvider = {
    name: 'a',
    timeoutMs: 200,
    send: async () => {
      await fence.take(id, await fence.read(id), 'c')
      return notSent
    },
  }
  const router = createRouter({ fence, lanes: [laneOf(provider), b.lane] })
  t.match(await router.deliver(message), { verdict: 'again' })
  t.strictSame(counts(a, b), [0, 0])
})

t.test('a resend takes another lane than the send it repeats; where that one fails, the same again', async (t) => {
  const [a, b] = [carrier('a'), carrier('b')]
  const router = routerOver([a, b])
  const took: string[] = []
  const note = async (lane: string) => void took.push(lane)
  await send(router, 1, { took: note })
  await send(router, 1, { took: note, avoid: 'a' })
  t.strictSame(took, ['a', 'b'])
  b.say(notSent)
  await send(router, 1, { took: note, avoid: 'a' })
  t.strictSame(took, ['a', 'b', 'a'])
})

t.test('a number that asked for no more messages is not shopped around', async (t) => {
  const [a, b] = [carrier('a', optedOut), carrier('b')]
  t.strictSame(await send(routerOver([a, b]), 1), ['settled'])
  t.strictSame(counts(a, b), [1, 0])
})

t.test('where one carrier has no way to a number another is tried, and each says so once', async (t) => {
  const [a, b] = [carrier('a', noWay), carrier('b', notSent)]
  const router = routerOver([a, b])
  const message = wanted()
  t.match(await router.deliver(message), { verdict: 'again' })
  b.say(noWay)
  t.strictSame(await router.deliver(message), { verdict: 'refused' })
  t.strictSame(counts(a, b), [1, 2])
  const [c, d] = [carrier('c', noWay), carrier('d')]
  t.strictSame(await send(routerOver([c, d]), 1), ['settled'])
})

t.test('what a carrier cannot use at all is not tried there again', async (t) => {
  const [a, b] = [carrier('a', misused), carrier('b', notSent)]
  const router = routerOver([a, b])
  const message = wanted()
  for (let n = 0; n < 3; n += 1) t.match(await router.deliver(message), { verdict: 'again' })
  t.strictSame(counts(a, b), [1, 3])
})

t.test('a lane most of whose calls fail is out, and messages go straight to the next', async (t) => {
  const [a, b] = [carrier('a', notSent, { probeMs: 60_000, longestProbeMs: 60_000 }), carrier('b')]
  const router = routerOver([a, b])
  t.strictSame(new Set(await send(router, 20)), new Set(['settled']))
  t.strictSame(counts(a, b), [6, 20])
  t.strictSame(a.lane.news, ['ill out'])
})

t.test('numbers that are refused, and messages under way already, say nothing against a lane', async (t) => {
  for (const outcome of [optedOut, misused, { ...unknown, answered: true } as const]) {
    const a = carrier('a', outcome)
    await send(routerOver([a]), 20)
    t.strictSame([a.sent.length, a.lane.news], [20, []])
  }
})

t.test(
  'credentials that are refused take a lane out after three messages, not after each, and say so once',
  async (t) => {
    const [a, b] = [carrier('a', stranger), carrier('b')]
    const router = routerOver([a, b])
    t.strictSame(new Set(await send(router, 20)), new Set(['settled']))
    t.strictSame(counts(a, b), [3, 20])
    t.strictSame(a.lane.news, ['barred out'])
    const alone = carrier('c', stranger)
    t.strictSame(new Set(await send(routerOver([alone]), 10)), new Set(['hopeless']), 'ours to mend, and said at once')
    t.equal(alone.sent.length, 3)
  },
)

t.test(
  'a lane that is barred is asked with one message now and then, and is back with the first that goes',
  async (t) => {
    const a = carrier('a', stranger, { barredProbeMs: 50, longestBarredProbeMs: 100 })
    const router = routerOver([a, carrier('b')])
    await send(router, 5)
    const probed = (count: number) => async () => (await send(router, 3)).length > 0 && a.sent.length >= count
    await eventually('a probe that fails', probed(4))
    a.say(unknown)
    await eventually('probes that tell nothing', probed(a.sent.length + 2))
    t.strictSame(a.lane.news, ['barred out'])
    a.say(accepted)
    await eventually('its return', async () => (await send(router, 1)) && a.lane.news.length === 2)
    t.strictSame(a.lane.news, ['barred out', 'barred back'])
  },
)

t.test('with no other lane an ill one is used while it answers at all, and left alone when it does not', async (t) => {
  const a = carrier('a', unknown, { lastResortMs: 0, probeMs: 60_000, longestProbeMs: 60_000 })
  const router = routerOver([a])
  await send(router, 6)
  t.strictSame(a.lane.news, ['ill out'])
  t.strictSame(await send(router, 3, { starts: 4 }), ['again', 'again', 'again'])
  t.equal(a.sent.length, 6, 'nobody’s two sends are spent on a dead carrier')
  const partly = carrier('b', accepted, { lastResortMs: 60_000, probeMs: 60_000, longestProbeMs: 60_000 })
  const other = routerOver([partly])
  await send(other, 3)
  partly.say(notSent)
  await send(other, 6)
  partly.say(accepted)
  t.strictSame(partly.lane.news, ['ill out'])
  t.strictSame(await send(other, 3), ['settled', 'settled', 'settled'], 'for some numbers it works')
})

t.test('of many messages at once one is the probe of a lane that was away; a decoy never is', async (t) => {
  const a = carrier('a', unknown, { lastResortMs: 0, probeMs: 100, longestProbeMs: 100 })
  const router = routerOver([a, carrier('b')])
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => router.deliver(wanted())))
  t.equal(a.lane.standing(), 'away')
  await eventually('the time of the probe', async () => a.lane.standing() === 'open')
  await router.deliver(wanted({ message: { id: randomUUID(), to: nobody, body: '' } }))
  await Promise.all(Array.from({ length: 30 }, () => router.deliver(wanted())))
  t.equal(a.sent.length, 7)
})

t.test(
  'a lane that comes back gets its share little by little, and each break during that doubles the wait',
  async (t) => {
    const times = { lastResortMs: 0, probeMs: 50, longestProbeMs: 10_000, rampMs: 60_000 }
    const a = carrier('a', notSent, times)
    const b = carrier('b')
    // Half of all draws are below 0.5, so a lane with a tenth of its share is behind nine times of ten.
    const router = routerOver([a, b], undefined, Math.random)
    await send(router, 6)
    a.say(accepted)
    await eventually('its return', async () => (await send(router, 1)) && a.lane.news.length === 2)
    t.ok(a.lane.share() < 0.2)
    const before = a.sent.length
    await send(router, 100)
    t.ok(a.sent.length - before < 40, `${a.sent.length - before} of 100`)
    const calls = Array.from({ length: 20 }, () => a.lane.send({ ...wanted().message, lifeMs: 1 }))
    await Promise.all(calls)
    a.say(notSent)
    const brokeAt = Date.now()
    while (a.lane.news.length === 2) await a.lane.send({ ...wanted().message, lifeMs: 1 })
    await eventually('the next probe', async () => a.lane.standing() === 'open')
    t.ok(Date.now() - brokeAt >= 100, 'twice the first wait')
  },
)

t.test('calls that end after a lane has come back say nothing against it, and nothing for it', async (t) => {
  const late: ((outcome: SendOutcome) => void)[] = []
  let slow = true
  const provider: SmsProvider = {
    name: 'a',
    timeoutMs: 200,
    send: () => (slow ? new Promise((resolve) => late.push(resolve)) : Promise.resolve(accepted)),
  }
  const lane = laneOf(provider, { probeMs: 20, longestProbeMs: 20 })
  const message = { ...wanted().message, lifeMs: 1 }
  const calls = Array.from({ length: 30 }, () => lane.send(message))
  for (const end of late.splice(0, 10)) end(unknown)
  await Promise.all(calls.slice(0, 10))
  t.strictSame(lane.news, ['ill out'])
  slow = false
  await eventually('the probe', async () => lane.enter() === 'open')
  await lane.send(message)
  for (const end of late) end(unknown)
  await Promise.all(calls)
  t.strictSame(lane.news, ['ill out', 'ill back'])
  // Twenty that counted as good would hold six that fail down.
  slow = true
  const again = Array.from({ length: 6 }, () => lane.send(message))
  for (const end of late.splice(-6)) end(unknown)
  await Promise.all(again)
  t.strictSame(lane.news, ['ill out', 'ill back', 'ill out'], 'nor for it')
})

t.test('a decoy meets a lane as a real message would: away, barred, on its route; and moves no breaker', async (t) => {
  const decoy = (more: Partial<Delivery> = {}) =>
    wanted({ message: { id: randomUUID(), to: nobody, body: '' }, ...more })
  const [a, b] = [carrier('a', stranger), carrier('b')]
  const router = routerOver([a, b], 'IN: a; +91987: b; FR: a > b')
  const laneOfDecoy = async (more: Partial<Delivery>) => {
    const message = decoy(more)
    const { verdict } = await router.deliver(message)
    return [verdict, ...(await fence.read(message.message.id)).attempts.map(({ provider }) => provider)]
  }
  t.strictSame(await laneOfDecoy({ destination: { country: 'IN', range: '+9198765' } }), ['settled', 'decoy-b'])
  t.strictSame(await laneOfDecoy({}), ['settled', 'decoy-a'])
  await send(router, 3)
  t.equal(a.lane.standing(), 'barred')
  t.strictSame(await laneOfDecoy({}), ['hopeless'], 'and so is a real one')
  t.strictSame(await send(router, 1), ['hopeless'])
  t.strictSame(await laneOfDecoy({ destination: { country: 'FR' } }), ['settled', 'decoy-b'])
  t.strictSame(counts(a, b), [3, 0])
})

t.test('whoever stood in line for a lane that died meanwhile does not call it', async (t) => {
  const times = { lastResortMs: 0, probeMs: 60_000, longestProbeMs: 60_000 }
  for (const [says, verdict, calls] of [
    [unknown, 'again', 6],
    [stranger, 'hopeless', 3],
  ] as const) {
    const a = carrier('a', says, times)
    const line: ((came: boolean) => void)[] = []
    const inLine = () => new Promise<boolean>((resolve) => line.push(resolve))
    const router = createRouter({ fence, lanes: [{ ...a.lane, turn: inLine }] })
    const waiting = Array.from({ length: 10 }, () => router.deliver(wanted()))
    await eventually('all to stand in line', async () => line.length === 10)
    for (let n = 0; n < calls; n += 1) await a.lane.send({ ...wanted().message, lifeMs: 1 })
    for (const go of line) go(true)
    t.strictSame(new Set((await Promise.all(waiting)).map((round) => round.verdict)), new Set([verdict]))
    t.equal(a.sent.length, calls)
  }
})

/** Two workers' paces over one count, with what each let through. */
function paces(perSecond: number) {
  const prefix = randomPrefix()
  return [1, 2].map(() => createPace({ redis, prefix, lane: 'a', perSecond, onWaiting: () => undefined }))
}
const turn = { priority: 1, deadlineMs: Date.now() + 300_000, patienceMs: 10_000, uses: true }

t.test('a pace holds over several workers', async (t) => {
  const times: number[] = []
  const all = paces(10).flatMap((pace) =>
    Array.from({ length: 20 }, () => pace.turn(turn).then(() => times.push(performance.now()))),
  )
  await Promise.all(all)
  t.equal(times.length, 40)
  const [first = 0] = times
  const last = times.at(-1) ?? 0
  t.ok(last - first >= 2_800, `40 turns at 10 a second took ${(last - first).toFixed(0)} ms`)
})

t.test('a worker that is further from Redis gets its part of the turns', async (t) => {
  const door = await startProxy(addressOf(testStores().redisUrl, 6_379))
  t.teardown(() => door.close())
  door.lag(8)
  const far = createRedis(through(testStores().redisUrl, door.port), {
    log: createLog('test', 'fatal'),
    name: 'far',
    patience: 'request',
  })
  t.teardown(() => far.disconnect())
  await eventually('redis', async () => far.status === 'ready')
  const prefix = randomPrefix()
  const came = [0, 0]
  const asked = [redis, far].map(async (its, n) => {
    const pace = createPace({ redis: its, prefix, lane: 'a', perSecond: 40, onWaiting: () => undefined })
    // Who is next is partly left to chance: of few turns one may by chance have few.
    const each = Array.from({ length: 200 }, () => pace.turn({ ...turn, priority: 3, patienceMs: 5_000 }))
    came[n] = (await Promise.all(each)).filter(Boolean).length
  })
  await Promise.all(asked)
  const [near = 0, further = 0] = came
  t.ok(further > near / 3, `${near} and ${further}`)
})

t.test('sign-ins go before sign-ups that came earlier; who waits too long for a turn is told', async (t) => {
  const [pace] = paces(2)
  const order: string[] = []
  const ask = (who: string, more: Partial<typeof turn>) =>
    pace?.turn({ ...turn, ...more }).then((came) => order.push(came ? who : `${who} in vain`))
  await Promise.all([
    ask('first', {}),
    ask('second', {}),
    ask('sign-up', { priority: 3 }),
    ask('campaign', { priority: 5, patienceMs: 1_600 }),
    ask('sign-in', { priority: 1 }),
  ])
  const came = order.filter((who) => who !== 'campaign in vain')
  t.strictSame([came, order.length], [['first', 'second', 'sign-in', 'sign-up'], 5])
})

t.test('of one class whose code dies first goes first', async (t) => {
  const [pace] = paces(10)
  const order: number[] = []
  const ask = (lifeMs: number) =>
    pace?.turn({ ...turn, priority: 5, deadlineMs: lifeMs }).then(() => order.push(lifeMs))
  await Promise.all([ask(0), ...[5, 3, 4, 1, 2].map(ask)])
  t.strictSame(order, [0, 1, 2, 3, 4, 5])
})

/** How long so many of a class wait in one worker while a campaign waits in another. */
async function besideCampaign(priority: number, count: number): Promise<number> {
  const [here, there] = paces(10)
  let sent = 0
  for (let n = 0; n < 60; n += 1)
    void here?.turn({ ...turn, priority: 5, patienceMs: 2_000 }).then((came) => (sent += came ? 1 : 0))
  await eventually('the campaign to have its pace', async () => sent >= 3)
  const since = performance.now()
  await Promise.all(Array.from({ length: count }, async () => there?.turn({ ...turn, priority })))
  return performance.now() - since
}

t.test('a sign-in waits for no burst of a campaign, in whichever worker that is', async (t) => {
  const tookMs = await besideCampaign(1, 7)
  t.ok(tookMs < 500, `seven took ${tookMs.toFixed(0)} ms`)
})

t.test('nor does a sign-up', async (t) => {
  const tookMs = await besideCampaign(3, 4)
  t.ok(tookMs < 250, `four took ${tookMs.toFixed(0)} ms`)
})

t.test('a sign-in that comes while others wait for a turn has its own at once', async (t) => {
  const [pace] = paces(2)
  const campaign = { ...turn, priority: 5, patienceMs: 1_900 }
  await pace?.turn(campaign)
  const other = pace?.turn(campaign)
  // The worker sleeps until the campaign's next turn by now, half a second away.
  await sleep(50)
  const since = performance.now()
  await pace?.turn(turn)
  t.ok(performance.now() - since < 300, `${(performance.now() - since).toFixed(0)} ms`)
  t.equal(await other, true)
})

t.test('so has one that comes while turns of theirs are asked for', async (t) => {
  const [pace] = paces(2)
  const campaign = { ...turn, priority: 5, patienceMs: 1_900 }
  await pace?.turn(campaign)
  const other = pace?.turn(campaign)
  const since = performance.now()
  await pace?.turn(turn)
  t.ok(performance.now() - since < 300, `${(performance.now() - since).toFixed(0)} ms`)
  t.equal(await other, true)
})

t.test('who comes while somebody waits who goes first waits too, and calls nobody', async (t) => {
  const a = carrier('a')
  const room = createWaitingRoom({ redis, prefix: randomPrefix(), name: 'a', lateAfterMs: 30_000 })
  const router = createRouter({ fence, lanes: [a.lane], roomOf: () => room })
  const place = (id: string, priority: number) => ({ ...wanted().place, id, priority })
  await room.join(place('first', 3))
  t.match(await router.deliver(wanted({ place: place('campaign', 5) })), { verdict: 'again', room })
  t.equal(a.sent.length, 0)
  t.match(await router.deliver(wanted({ place: place('sign-in', 1) })), { verdict: 'settled' })
  t.match(await router.deliver(wanted({ place: place('first', 3) })), { verdict: 'settled' })
})

t.test('who was let in is in hand until he is sent, or waits again', async (t) => {
  const a = carrier('a')
  const room = createWaitingRoom({ redis, prefix: randomPrefix(), name: 'a', lateAfterMs: 30_000 })
  const router = createRouter({ fence, lanes: [a.lane], roomOf: () => room })
  const place = (id: string, priority: number) => ({ ...wanted().place, id, priority })
  for (const [priority, id] of ['first', 'second', 'third'].entries()) await room.join(place(id, priority))
  const one = { now: 0, inHand: 1 }
  t.strictSame([await room.next(one), await room.next(one)], [['first'], []])
  t.match(await router.deliver(wanted({ place: place('first', 0) })), { verdict: 'settled' })
  t.strictSame([await room.next(one), await room.next(one)], [['second'], []])
  t.match(await router.deliver(wanted({ place: place('second', 9) })), { verdict: 'again', room })
  t.strictSame(await room.next(one), ['third'])
})

t.test('who finds every lane away waits in their room; who was called comes again by himself', async (t) => {
  const a = carrier('a', notSent, { lastResortMs: 0, probeMs: 60_000, longestProbeMs: 60_000 })
  const room = createWaitingRoom({ redis, prefix: randomPrefix(), name: 'a', lateAfterMs: 30_000 })
  const router = createRouter({ fence, lanes: [a.lane], roomOf: () => room })
  const rounds = []
  for (let n = 0; n < 7; n += 1) rounds.push(await router.deliver(wanted()))
  t.strictSame(
    rounds.map((round) => 'room' in round),
    [false, false, false, false, false, false, true],
  )
})

t.test('an ill lane that answers none of ten calls is away at once', async (t) => {
  const a = carrier('a', accepted, { lastResortMs: 60_000, probeMs: 60_000, longestProbeMs: 60_000 })
  const router = routerOver([a])
  await send(router, 1)
  a.say(notSent)
  await send(router, 40)
  t.equal(a.sent.length, 11)
})

t.test('whoever cannot have his turn in time is told at once, and holds up nobody else', async (t) => {
  const [pace] = paces(2)
  const since = performance.now()
  const ask = async (uses = true) => {
    const told = await pace?.turn({ ...turn, patienceMs: 3_000, uses })
    return { told, afterMs: performance.now() - since }
  }
  const all = Array.from({ length: 16 }, () => ask())
  const decoy = ask(false)
  const refused = [...(await Promise.all(all.slice(6))), await decoy]
  t.ok(refused.every(({ told, afterMs }) => told === false && afterMs < 900))
  t.ok((await Promise.all(all.slice(0, 4))).every(({ told }) => told === true))
})

t.test('decoys wait like the rest and use no turn up', async (t) => {
  const [pace] = paces(2)
  const since = performance.now()
  const waits: number[] = []
  const ask = (uses: boolean) => pace?.turn({ ...turn, uses }).then(() => waits.push(performance.now() - since))
  await Promise.all([ask(true), ...Array.from({ length: 50 }, () => ask(false)), ask(true)])
  t.ok(Math.max(...waits) < 900, 'fifty decoys cost two real messages nothing')
  await Promise.all([ask(false), ask(true)])
  t.ok((waits.at(-2) ?? 0) > 400, 'a decoy behind them waits as long as a message')
})

t.test('decoys alone use no turn up, and meet a second whose turns are used up as a message would', async (t) => {
  const [pace] = paces(1)
  const since = performance.now()
  const passed = () => performance.now() - since
  for (let n = 0; n < 5; n += 1) t.equal(await pace?.turn({ ...turn, uses: false }), true)
  t.equal(await pace?.turn(turn), true)
  t.ok(passed() < 2_500, `five decoys cost the message behind them nothing: ${passed().toFixed(0)} ms`)
  const usedAt = passed()
  await pace?.turn({ ...turn, uses: false })
  t.ok(passed() - usedAt > 700, 'the next decoy waits for the next second')
})
