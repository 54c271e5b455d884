import { randomBytes, randomUUID } from 'node:crypto'
import type { SwitchOrder } from '@latchkey/contracts/admin/switches'
import { copyFields } from '@latchkey/contracts/copy-record'
import type { DeliveryEvent } from '@latchkey/contracts/queues/delivery-event'
import { switchesKey } from '@latchkey/contracts/switch-record'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createRedisCopy } from '../src/copies/redis-copy.js'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, harness, newChallengeId, silent, sql } from './harness.js'

const hourMs = 3_600_000
const by = { operator: 'asha' }
const inAnHour = () => new Date(Date.now() + hourMs).toISOString()
const order = (more: Partial<SwitchOrder> = {}): SwitchOrder => ({
  does: 'pause',
  target: 'lane',
  name: 'twilio',
  until: inAnHour(),
  why: 'incident 4711',
  ...more,
})

const url = await createDatabase(t)
await migrate(url)

/** users with nothing switched, and the copy of them in Redis. */
async function board(t: Test) {
  const key = switchesKey(`{t${randomBytes(6).toString('hex')}}`)
  const redis = createRedis(testStores().redisUrl, { log: silent, name: 'copy', patience: 'request' })
  t.teardown(async () => {
    await redis.del(key)
    redis.disconnect()
  })
  await eventually('redis', async () => redis.status === 'ready')
  await sql(url, 'truncate switches, audit, sms_messages cascade')
  const another = () => harness(t, { url, copies: { switches: createRedisCopy(redis, key) } })
  const h = await another()
  const copied = async (): Promise<Record<string, unknown>[]> => {
    const { [copyFields.version]: _version, [copyFields.complete]: complete, ...rest } = await redis.hgetall(key)
    t.equal(complete, '1')
    return Object.values(rest).map((text) => JSON.parse(text))
  }
  return {
    ...h,
    redis,
    key,
    another,
    copied,
    put: (more?: Partial<SwitchOrder>) => h.call('POST', '/switches', { by, order: order(more) }),
    list: async () => (await h.call('POST', '/switches/list', { by })).body['switches'] as Record<string, string>[],
    end: (id: unknown, why?: string) => h.call('POST', '/switches/end', { by, id, ...(why !== undefined && { why }) }),
    audit: async () => (await h.call('POST', '/audit', { by })).body['entries'] as Record<string, unknown>[],
  }
}

t.test('a switch holds for everybody from now on, and says who, why and until when', async (t) => {
  const { put, list, copied, audit, another } = await board(t)
  const until = inAnHour()
  const { status, body } = await put({ until })
  t.equal(status, 200)
  const told = { does: 'pause', target: 'lane', name: 'twilio', until, why: 'incident 4711', who: 'cli:asha' }
  t.match(body, { switch: told, lastDay: { messages: 0, verified: 0 } })
  t.match(await list(), [told])
  t.match(await copied(), [{ does: 'pause', target: 'lane', name: 'twilio', until }])
  t.notOk(JSON.stringify(await copied()).includes('incident'), 'why is of no use to those who obey')
  t.match(await audit(), [{ actor: 'cli:asha', action: 'switch.pause', target: 'lane:twilio', why: 'incident 4711' }])
  const restarted = await another()
  t.match((await restarted.call('POST', '/switches/list', { by })).body, { switches: [told] }, 'it survives a restart')
})

t.test('a lane has one gate and one weight; the next order takes the place of the last', async (t) => {
  const { put, list, copied } = await board(t)
  await put()
  await put({ does: 'weight', weight: 5 })
  await put({ does: 'drain' })
  const both = [{ does: 'weight', weight: 5 }, { does: 'drain' }]
  t.match(await list(), both)
  t.match(
    (await copied()).toSorted((a, b) => String(b['does']).localeCompare(String(a['does']))),
    both,
  )
})

t.test('a rule of the guard has one mode at a time, and each order and end stands in the audit', async (t) => {
  const { put, list, copied, end, audit } = await board(t)
  const rule = { target: 'guard', name: 'networks' } as const
  await put({ ...rule, does: 'enforce' })
  const { body } = await put({ ...rule, does: 'off', why: 'an office behind one address' })
  t.match(await list(), [{ ...rule, does: 'off' }])
  t.match(await copied(), [{ ...rule, does: 'off' }])
  await end((body['switch'] as { id: string }).id)
  t.same(await list(), [])
  t.match(await audit(), [
    { action: 'switch.end', target: 'guard:networks' },
    { action: 'switch.off', target: 'guard:networks', why: 'an office behind one address' },
    { action: 'switch.enforce', target: 'guard:networks' },
  ])
})

t.test('a switch that is ended is over at once, and only once', async (t) => {
  const { put, list, copied, end, audit } = await board(t)
  const id = (await put()).body['switch'] as { id: string }
  await put({ does: 'stop', target: 'country', name: 'PK' })
  t.match(await end(id.id, 'they are well again'), { status: 200, body: { switch: { id: id.id } } })
  t.match(await list(), [{ name: 'PK' }])
  t.match(await copied(), [{ name: 'PK' }])
  t.match(await end(id.id), { status: 404, body: { code: 'not.found' } })
  t.match((await audit())[0], { action: 'switch.end', target: 'lane:twilio', why: 'they are well again' })
})

t.test('a switch ends by itself, and nobody has to write anything for that', async (t) => {
  const { put, list, advance, services } = await board(t)
  const { body } = await put()
  advance(hourMs + 1_000)
  t.strictSame(await list(), [])
  t.match(
    await services.switchboard
      .end({ id: (body['switch'] as { id: string }).id, why: undefined }, 'cli:asha')
      .catch((error: unknown) => error),
    { code: 'not.found' },
  )
})

t.test('a copy that was lost is written anew, without what is over', async (t) => {
  const { put, end, copied, redis, key, services } = await board(t)
  const { body } = await put({ does: 'stop', target: 'purpose', name: 'sign_up' })
  await put()
  await end((body['switch'] as { id: string }).id)
  await redis.del(key)
  await services.switchboard.copy()
  t.match(await copied(), [{ name: 'twilio' }])
  t.equal((await copied()).length, 1)
  t.equal(await services.switchboard.copy(), 0)
})

t.test('a Redis that is away keeps nothing from being switched', async (t) => {
  const nowhere = createRedis('redis://127.0.0.1:1', { log: silent, name: 'nowhere', patience: 'request' })
  t.teardown(() => nowhere.disconnect())
  const { call } = await harness(t, { url, copies: { switches: createRedisCopy(nowhere, 'nowhere') } })
  t.match(await call('POST', '/switches', { by, order: order() }), { status: 200 })
})

t.test('what could never be obeyed is refused, naming the field', async (t) => {
  const { put, list } = await board(t)
  const days = (n: number) => new Date(Date.now() + n * 24 * hourMs).toISOString()
  const refused: Record<string, [Partial<SwitchOrder>, string]> = {
    'a country that is a lane': [{ does: 'stop' }, '/target'],
    'a paused country': [{ target: 'country', name: 'IN' }, '/target'],
    'a weight without one': [{ does: 'weight' }, '/weight'],
    'a pause with one': [{ weight: 3 }, '/weight'],
    'another spelling of a country, which no number has': [{ does: 'stop', target: 'country', name: 'UK' }, '/name'],
    'no country': [{ does: 'stop', target: 'country', name: 'QQ' }, '/name'],
    'no purpose': [{ does: 'stop', target: 'purpose', name: 'signup' }, '/name'],
    'no lane': [{ name: 'Twilio' }, '/name'],
    'a past end': [{ until: days(-1) }, '/until'],
    'a leap second': [{ until: '2099-12-31T23:59:60Z' }, '/until'],
    'no rule of the guard': [{ does: 'enforce', target: 'guard', name: 'budget' }, '/name'],
    'a stopped rule': [{ does: 'stop', target: 'guard', name: 'ranges' }, '/target'],
    'an enforced country': [{ does: 'enforce', target: 'country', name: 'IN' }, '/target'],
    'an end next year': [{ until: days(31) }, '/until'],
    'no reason': [{ why: '   ' }, '/why'],
  }
  for (const [name, [more, path]] of Object.entries(refused))
    t.match(await put(more), { status: 400, body: { code: 'request.invalid', errors: [{ path }] } }, name)
  t.strictSame(await list(), [])
})

t.test(
  'a preview tells what went through in the last 24 hours and how much of it was verified, and switches nothing',
  async (t) => {
    const { call, list, services, db } = await board(t)
    async function message(more: Partial<DeliveryEvent> & { provider?: string; hoursAgo?: number; used?: boolean }) {
      const { provider = 'twilio', hoursAgo = 1, used = false, ...event } = more
      const at = new Date(Date.now() - hoursAgo * hourMs).toISOString()
      const challengeId = newChallengeId()
      const attempt = { number: 1, provider, outcome: 'accepted' as const, startedAt: at, endedAt: at }
      await services.deliveries.record({
        v: 1,
        messageId: randomUUID(),
        challengeId,
        generation: 1,
        purpose: 'sign_up',
        country: 'IN',
        requestId: 'r',
        state: 'accepted',
        at,
        attempt,
        ...event,
      })
      if (used)
        await db
          .insertInto('consumed_challenges')
          .values({ challenge_id: challengeId, consumed_at: new Date(at) })
          .execute()
    }
    await message({ used: true })
    await message({ provider: 'messagecentral' })
    await message({ country: 'PK', purpose: 'sign_in', used: true })
    await message({ country: 'PK', hoursAgo: 25, used: true })
    await message({ country: 'PK', provider: 'decoy-twilio' })
    const lastDay = async (more: Partial<SwitchOrder>) =>
      (await call('POST', '/switches/preview', { by, order: order(more) })).body['lastDay']
    t.strictSame(await lastDay({}), { messages: 2, verified: 2 })
    t.strictSame(await lastDay({ name: 'messagecentral' }), { messages: 1, verified: 0 })
    t.strictSame(await lastDay({ does: 'stop', target: 'country', name: 'PK' }), { messages: 1, verified: 1 })
    t.strictSame(await lastDay({ does: 'stop', target: 'purpose', name: 'sign_up' }), { messages: 2, verified: 1 })
    const guard = { does: 'enforce', target: 'guard', name: 'ranges' } as const
    t.strictSame(await lastDay(guard), { messages: 2, verified: 1 }, 'what the guard judges')
    t.strictSame(await list(), [])
  },
)
