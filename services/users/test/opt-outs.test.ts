import { randomBytes } from 'node:crypto'
import { forGood, optOutsKey } from '@latchkey/contracts/opt-out-record'
import type { OptOutChange } from '@latchkey/contracts/queues/delivery-event'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createRedisCopy } from '../src/copies/redis-copy.js'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, harness, silent, sql } from './harness.js'

const hourMs = 3_600_000
const begin = Date.now() - 72 * hourMs
const newNumber = () => randomBytes(16).toString('base64url')
const said = (
  number: string,
  word: OptOutChange['word'],
  hour: number,
  source = randomBytes(8).toString('hex'),
): OptOutChange => ({
  v: 2,
  kind: 'opt_out',
  number,
  word,
  provider: 'twilio',
  source,
  at: new Date(begin + hour * hourMs).toISOString(),
})

/** users with a list of its own, and the copy of it in Redis. */
async function listed(t: Test) {
  const prefix = `{t${randomBytes(6).toString('hex')}}`
  const redis = createRedis(testStores().redisUrl, { log: silent, name: 'copy', patience: 'request' })
  t.teardown(async () => {
    await redis.del(optOutsKey(prefix))
    redis.disconnect()
  })
  await eventually('redis', async () => redis.status === 'ready')
  const url = await createDatabase(t)
  await migrate(url)
  const copy = createRedisCopy(redis, optOutsKey(prefix))
  const h = await harness(t, { url, copies: { optOuts: copy } })
  return {
    ...h.services.optOuts,
    redis,
    copied: () => redis.hgetall(optOutsKey(prefix)),
    key: optOutsKey(prefix),
    prefix,
    url,
  }
}

t.test('STOP puts a number on the list and START takes it off, in the order in which they were said', async (t) => {
  const { record, copied } = await listed(t)
  const [stopped, back, late] = [newNumber(), newNumber(), newNumber()]
  await record(said(stopped, 'stop', 1))
  await record(said(back, 'stop', 1))
  await record(said(back, 'start', 2))
  await record(said(late, 'start', 2))
  await record(said(late, 'stop', 1))
  t.same(await copied(), { [stopped]: forGood, version: '5', complete: '1' })
})

t.test('a word that is sent again changes nothing, though the person said another since', async (t) => {
  const { record, copied } = await listed(t)
  const number = newNumber()
  await record(said(number, 'stop', 1, 'SM1'))
  await record(said(number, 'start', 2, 'SM2'))
  await record(said(number, 'stop', 3, 'SM1'))
  t.notOk((await copied())[number])
})

t.test('a refusal of the carrier counts for a day, and never shortens what the person said', async (t) => {
  const { record, copied } = await listed(t)
  const [refused, stopped, back] = [newNumber(), newNumber(), newNumber()]
  await record(said(refused, 'refused', 1))
  await record(said(stopped, 'stop', 1))
  await record(said(stopped, 'refused', 2))
  await record(said(back, 'refused', 1))
  await record(said(back, 'start', 2))
  await record(said(back, 'refused', 1.5))
  const found = await copied()
  t.equal(found[refused], String(begin + 25 * hourMs))
  t.equal(found[stopped], forGood)
  t.equal(found[back], undefined)
})

t.test(
  'a copy that is lost, falls behind or is of another database is written anew, several replicas together',
  async (t) => {
    const { record, copy, copied, redis, key, prefix, url } = await listed(t)
    const numbers = Array.from({ length: 8 }, newNumber)
    for (const number of numbers) await record(said(number, 'stop', 1))
    const whole = await copied()
    t.match(whole, { version: '8', complete: '1' })
    t.equal(await copy(), 0)

    const others = await Promise.all(
      [1, 2].map(
        async () =>
          (await harness(t, { url, copies: { optOuts: createRedisCopy(redis, optOutsKey(prefix)) } })).services.optOuts,
      ),
    )
    const everybody = () => Promise.all([copy, ...others.map((other) => other.copy)].map((one) => one()))
    await redis.del(key)
    await everybody()
    t.same(await copied(), whole, 'it was lost')
    await redis.hset(key, 'version', '5')
    await redis.hdel(key, ...numbers.slice(5))
    await everybody()
    t.same(await copied(), whole, 'a replica that lagged took over')
    await redis.hset(key, { version: '900', [newNumber()]: forGood })
    await everybody()
    t.same(await copied(), whole, 'it is of another database')
  },
)

t.test('what another replica copies while a replica looks is not thrown away', async (t) => {
  const { record, copied, redis, prefix, url } = await listed(t)
  const numbers = [newNumber(), newNumber(), newNumber()] as const
  await record(said(numbers[0], 'stop', 1))
  const inner = createRedisCopy(redis, optOutsKey(prefix))
  const begun: boolean[] = []
  const { services } = await harness(t, {
    url,
    copies: {
      optOuts: {
        async state() {
          await record(said(numbers[1], 'stop', 2))
          const state = await inner.state()
          await record(said(numbers[2], 'stop', 3))
          return state
        },
        async write(step) {
          begun.push(step.begin)
          return inner.write(step)
        },
      },
    },
  })
  await services.optOuts.copy()
  t.notOk(begun.includes(true))
  t.same(await copied(), {
    ...Object.fromEntries(numbers.map((number) => [number, forGood])),
    version: '3',
    complete: '1',
  })
})

t.test('a Redis that is away keeps no word from being written down', async (t) => {
  const url = await createDatabase(t)
  await migrate(url)
  const nowhere = createRedis('redis://127.0.0.1:1', { log: silent, name: 'nowhere', patience: 'request' })
  t.teardown(() => nowhere.disconnect())
  const { services, db } = await harness(t, {
    url,
    copies: { optOuts: createRedisCopy(nowhere, optOutsKey('{nowhere}')) },
  })
  const number = newNumber()
  await services.optOuts.record(said(number, 'stop', 1))
  t.match(await db.selectFrom('opt_outs').selectAll().execute(), [{ number, opted_out: true }])
  await t.rejects(services.optOuts.copy(), { code: 'unavailable' })
})

t.test('a word is forgotten after ninety days; how its number stands is not', async (t) => {
  const { record, sweep, copied, url } = await listed(t)
  const [old, young] = [newNumber(), newNumber()]
  await record(said(old, 'stop', -24 * 88))
  await record(said(young, 'stop', -24 * 86))
  const words = async () => (await sql(url, 'select number from opt_out_words')).map(({ number }) => number)
  t.equal(await sweep(), 1)
  t.same(await words(), [young])
  t.match(await copied(), { [old]: forGood, [young]: forGood })
})
