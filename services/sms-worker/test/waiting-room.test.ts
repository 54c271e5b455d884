import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createShare } from '../src/jobs/share.js'
import type { SmsProvider } from '../src/providers/provider.js'
import type { Lane } from '../src/routing/lane.js'
import type { Standing } from '../src/routing/lane-health.js'
import { createRooms } from '../src/routing/rooms.js'
import { parseRoutes } from '../src/routing/routes.js'
import { createUsher } from '../src/routing/usher.js'
import { createWaitingRoom, type Place } from '../src/routing/waiting-room.js'
import { nothingSwitched } from '../src/switchboard/switchboard.js'
import { laneOf, randomPrefix } from './harness.js'

t.jobs = 8
const log = createLog('test', 'fatal')
const redis = createRedis(testStores().redisUrl, { log, name: 'test', patience: 'request' })
t.teardown(() => redis.disconnect())
await eventually('redis', async () => redis.status === 'ready')

/** Two workers' views of one waiting room. */
function rooms() {
  const prefix = randomPrefix()
  const open = () => createWaitingRoom({ redis, prefix, name: 'a', lateAfterMs: 30_000, lookAgainMs: 300 })
  return [open(), open()] as const
}
const now = (count: number) => ({ now: count, inHand: 0 })
const place = (id: string, priority: number, lifeMs: number, waitedMs = 0): Place => ({
  id,
  priority,
  deadlineMs: Date.now() + lifeMs,
  queuedAt: new Date(Date.now() - waitedMs),
})

t.test('who waits is let in by class, then by whose code dies first, whichever worker he came to', async (t) => {
  const [here, there] = rooms()
  await here.join(place('a sign-up that lives', 3, 90_000))
  await there.join(place('sign-up that dies', 3, 60_000))
  await here.join(place('campaign', 5, 40_000))
  await there.join(place('sign-in', 1, 120_000))
  t.strictSame(await there.next(now(2)), ['sign-in', 'sign-up that dies'])
  t.strictSame(await here.next(now(9)), ['a sign-up that lives', 'campaign'])
  t.strictSame([await there.next(now(9)), there.waiting], [[], 0])
})

t.test('who comes again keeps his place, and who comes later does not pass him', async (t) => {
  const [here, there] = rooms()
  await here.join(place('first', 3, 60_000))
  await here.join(place('second', 3, 61_000))
  await here.join(place('first', 3, 90_000))
  t.equal(await there.isBehind(place('later', 3, 90_000)), false, 'nobody was seen there yet')
  await there.next(now(0))
  t.equal(await there.isBehind(place('later', 3, 90_000)), true)
  t.equal(await there.isBehind(place('sign-in', 1, 90_000)), false)
  t.equal(await there.isBehind(place('first', 3, 90_000)), false, 'he is the first himself')
  t.strictSame(await there.next(now(9)), ['first', 'second'])
})

t.test('once the oldest code has waited too long those about to die go behind the rest', async (t) => {
  const [here] = rooms()
  const all = [
    place('about to die', 1, 20_000),
    place('sign-up', 3, 60_000),
    place('campaign', 5, 600_000, 90_000),
    place('dying sign-up', 3, 29_000),
  ]
  for (const each of all) await here.join(each)
  t.strictSame(
    [await here.next(now(1)), here.oldestMs < 30_000],
    [['about to die'], true],
    'a campaign makes no room late',
  )
  await here.join(place('about to die', 1, 20_000))
  await here.join(place('oldest', 3, 90_000, 31_000))
  await here.next(now(0))
  t.ok(here.oldestMs >= 31_000)
  t.strictSame(await here.next(now(9)), ['sign-up', 'oldest', 'campaign', 'about to die', 'dying sign-up'])
  await here.next(now(0))
  t.equal(here.oldestMs, 0)
})

t.test('whom a worker let in that died is named again by another; who is done is not', async (t) => {
  const [here, there] = rooms()
  for (const [n, id] of ['first', 'second', 'third'].entries()) await here.join(place(id, 3, 60_000 + n))
  t.strictSame(await here.next(now(2)), ['first', 'second'])
  await here.done('second')
  t.strictSame(await there.next(now(9)), ['third'])
  await there.done('third')
  const again = await eventually('somebody to be let in again', async () => {
    const ids = await there.next(now(9))
    return ids.length > 0 && ids
  })
  t.strictSame(again, ['first'])
})

t.test('no more are in hand, of all workers together, than there is work for', async (t) => {
  const [here, there] = rooms()
  for (let n = 0; n < 9; n += 1) await here.join(place(`${n}`, 3, 60_000 + n))
  const most = { now: 0, inHand: 3 }
  t.strictSame([await here.next(most), await there.next(most)], [['0', '1', '2'], []])
  await here.done('1')
  t.strictSame([await there.next(most), await here.next(most)], [['3'], []])
  t.strictSame(await here.next({ now: 2, inHand: 3 }), ['4', '5'], 'but for those who are wanted whoever is in hand')
})

/** A lane with a pace or without, that stands as it is told. */
function laneWith(name: string, perSecond?: number) {
  const state = { standing: 'open' as Standing, whole: true }
  const provider: SmsProvider = { name, timeoutMs: 200, send: async () => ({ outcome: 'unknown' }) }
  const lane: Lane = {
    ...laneOf(provider),
    standing: () => state.standing,
    whole: () => state.whole,
    ...(perSecond !== undefined && { perSecond }),
  }
  return { lane, state }
}

/** Waiting rooms of some lanes, and who was let in when. */
function ushered(t: Test, lanes: readonly Lane[], rules?: string, takes = true) {
  const { routes } = parseRoutes(
    rules,
    lanes.map(({ name }) => name),
  )
  const { rooms, roomOf } = createRooms({ redis, prefix: randomPrefix(), routes, lanes, lateAfterMs: 30_000 })
  const letIn: string[] = []
  const usher = createUsher({
    rooms,
    lookAtSwitches: async () => ({ ...(await nothingSwitched()), takes: () => takes }),
    bringBack: async (id) => letIn.push(id) > 0,
    share: createShare(20, 50),
    isWorking: () => true,
    onWaiting: () => undefined,
    log,
  })
  t.teardown(() => usher.close())
  usher.close()
  const join = async (count: number, its: readonly Lane[] = lanes) => {
    for (let n = 0; n < count; n += 1)
      await roomOf(its)?.join(place(`${its.map(({ name }) => name).join()} ${n}`, 3, 60_000 + n))
  }
  return { look: usher.look, letIn, join, roomOf }
}

t.test('as many are let in as the lanes can take', async (t) => {
  const lanes = [laneWith('a', 2).lane, laneWith('b', 1).lane]
  const { look, letIn, join } = ushered(t, lanes)
  await join(9)
  await look()
  await look()
  t.strictSame(letIn, ['a,b 0', 'a,b 1', 'a,b 2', 'a,b 3', 'a,b 4'], 'the turns of a second and a half')
})

t.test('nobody is let in to a lane that is away, then one, as its probe', async (t) => {
  const { lane, state } = laneWith('a', 5)
  const { look, letIn, join } = ushered(t, [lane])
  await join(9)
  Object.assign(state, { standing: 'away', whole: false })
  await look()
  t.strictSame(letIn, [])
  state.standing = 'open'
  await look()
  t.strictSame(letIn, ['a 0'])
})

t.test('nor to a lane that an operator has paused', async (t) => {
  const { look, letIn, join } = ushered(t, [laneWith('a', 5).lane], undefined, false)
  await join(3)
  await look()
  t.strictSame(letIn, [])
})

t.test('who waits for a lane that is away stands before nobody who may take another', async (t) => {
  const [a, b] = [laneWith('a', 1), laneWith('b', 1)]
  const { look, letIn, join } = ushered(t, [a.lane, b.lane], 'IN: a; FR: b')
  a.state.standing = 'away'
  await join(3, [a.lane])
  await join(3, [b.lane])
  await look()
  t.strictSame(letIn, ['b 0', 'b 1'])
})

t.test('a lane without a pace that has just come back fills up little by little', async (t) => {
  const { lane } = laneWith('a')
  const { look, letIn, join } = ushered(t, [{ ...lane, share: () => 0.1 }])
  await join(9)
  await look()
  t.equal(letIn.length, 2, 'a tenth of twenty slots')
})
