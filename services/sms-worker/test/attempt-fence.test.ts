import { randomUUID } from 'node:crypto'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t from 'tap'
import { createAttemptFence, possibleAccepts, settledAttempt } from '../src/routing/attempt-fence.js'

const log = createLog('test', 'fatal')
const redis = createRedis(testStores().redisUrl, { log, name: 'test', patience: 'request' })
t.teardown(() => redis.disconnect())
await eventually('redis', async () => redis.status === 'ready')
const fence = createAttemptFence(redis)

const accepted = { outcome: 'accepted', providerMessageId: 'SM1' } as const
const unknown = { outcome: 'unknown' } as const
const notSent = { outcome: 'not_sent', reason: 'carrier_failed' } as const
const begin = async (id: string) => {
  const taken = await fence.take(id, await fence.read(id), 'twilio')
  return taken?.number ?? 0
}

t.test('of fifty workers that want to send the same message at once, one may', async (t) => {
  const id = randomUUID()
  const view = await fence.read(id)
  const takes = await Promise.all(Array.from({ length: 50 }, () => fence.take(id, view, 'twilio')))
  t.equal(takes.filter((taken) => taken !== undefined).length, 1)
  t.match((await fence.read(id)).attempts, [{ number: 1, provider: 'twilio', result: undefined }])
})

t.test('a worker that judged by an older view gets nothing', async (t) => {
  const id = randomUUID()
  const number = await begin(id)
  const stale = await fence.read(id)
  await fence.record(id, { number, outcome: accepted, endedAtMs: 1, by: 'caller' })
  t.equal(await fence.take(id, stale, 'twilio'), undefined)
})

t.test('an accept is never unlearned, and replaces what others guessed', async (t) => {
  const id = randomUUID()
  const number = await begin(id)
  await fence.record(id, { number, outcome: unknown, endedAtMs: 1, by: 'finder' })
  await fence.record(id, { number, outcome: notSent, endedAtMs: 1, by: 'finder' })
  await fence.record(id, { number, outcome: accepted, endedAtMs: 2, by: 'caller' })
  await fence.record(id, { number, outcome: notSent, endedAtMs: 3, by: 'finder' })
  const view = await fence.read(id)
  t.match(settledAttempt(view), { number: 1, result: { outcome: 'accepted', providerMessageId: 'SM1', endedAtMs: 2 } })
})

t.test('a call under way and one of unknown end count as possible accepts, a refused one does not', async (t) => {
  const id = randomUUID()
  await begin(id)
  t.equal(possibleAccepts(await fence.read(id)), 1, 'under way')
  await fence.record(id, { number: 1, outcome: unknown, endedAtMs: 1, by: 'finder' })
  t.equal(possibleAccepts(await fence.read(id)), 1, 'unknown')
  const second = await begin(id)
  t.equal(possibleAccepts(await fence.read(id)), 2)
  await fence.record(id, { number: second, outcome: notSent, endedAtMs: 1, by: 'caller' })
  t.equal(possibleAccepts(await fence.read(id)), 1, 'refused')
})

t.test("a carrier's message belongs to one attempt, and to its caller before any finder", async (t) => {
  const [mine, other] = [randomUUID(), randomUUID()]
  const sid = { outcome: 'accepted', providerMessageId: `SM${randomUUID().replaceAll('-', '')}` } as const
  const accept = async (id: string, number: number, by: 'caller' | 'finder') =>
    (await fence.record(id, { number, outcome: sid, endedAtMs: 1, by })).written
  await begin(mine)
  await begin(other)
  t.equal(await accept(mine, 1, 'finder'), true)
  t.equal(await accept(other, 1, 'finder'), false)
  t.equal(settledAttempt(await fence.read(other)), undefined)
  t.equal(await accept(other, 1, 'caller'), true)
  const ms = await redis.pttl(`{latchkey}:sid:${sid.providerMessageId}`)
  t.ok(ms > 3_500_000 && ms <= 3_600_000)
})

t.test('a mark on a fence that is gone does not stay for ever', async (t) => {
  const id = randomUUID()
  await fence.markReported(id, 1)
  t.ok((await redis.pttl(`{latchkey}:fence:${id}`)) > 0)
})

t.test('a fence is kept for a day, not for ever', async (t) => {
  const id = randomUUID()
  const number = await begin(id)
  await fence.record(id, { number, outcome: accepted, endedAtMs: 1, by: 'caller' })
  const ms = await redis.pttl(`{latchkey}:fence:${id}`)
  t.ok(ms > 86_000_000 && ms <= 86_400_000)
})
