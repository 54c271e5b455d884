import { randomBytes } from 'node:crypto'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { Type } from 'typebox'
import { createCopiedList } from '../src/copied-list.js'
import { createLog } from '../src/log.js'
import { createRedis } from '../src/redis.js'
import { eventually, testStores } from '../src/testing.js'

const schema = Type.Object({ colour: Type.Enum(['red', 'blue']) })
const fields = { version: 'version', complete: 'complete' }
const whole = { version: '1', complete: '1' }
const red = JSON.stringify({ colour: 'red' })
const blue = JSON.stringify({ colour: 'blue' })

async function copied(t: Test, maxAgeMs = 0) {
  const key = `t${randomBytes(6).toString('hex')}`
  const redis = createRedis(testStores().redisUrl, {
    log: createLog('test', 'fatal'),
    name: 'copy',
    patience: 'request',
  })
  const tester = new Redis(testStores().redisUrl)
  t.teardown(async () => {
    redis.disconnect()
    await tester.del(key)
    tester.disconnect()
  })
  await eventually('redis', async () => redis.status === 'ready')
  return { redis, key, list: createCopiedList({ redis, key, fields, schema, maxAgeMs }) }
}

t.test('a copy that is lost, or is being written anew, is read as it last was', async (t) => {
  const { redis, key, list } = await copied(t)
  t.strictSame(await list.read(), [], 'nobody has seen it yet')
  await redis.hset(key, { ...whole, a: red })
  t.strictSame(await list.read(), [{ colour: 'red' }])
  await redis.del(key)
  t.strictSame(await list.read(), [{ colour: 'red' }], 'it is lost')
  await redis.hset(key, { version: '1', b: blue })
  t.strictSame(await list.read(), [{ colour: 'red' }], 'it is being written')
  await redis.hset(key, 'complete', '1')
  t.strictSame(await list.read(), [{ colour: 'blue' }])
  redis.disconnect()
  t.strictSame(await list.read(), [{ colour: 'blue' }], 'Redis is away')
})

t.test('what a newer writer wrote is left out, and the rest is read', async (t) => {
  const { redis, key, list } = await copied(t)
  await redis.hset(key, { ...whole, a: JSON.stringify({ colour: 'green' }), b: '{', c: blue })
  t.strictSame(await list.read(), [{ colour: 'blue' }])
})

t.test('however often it is asked for, Redis is asked now and then only', async (t) => {
  const { redis, key, list } = await copied(t, 60_000)
  await redis.hset(key, { ...whole, a: red })
  t.strictSame(await Promise.all([list.read(), list.read()]), [[{ colour: 'red' }], [{ colour: 'red' }]])
  await redis.hset(key, 'a', blue)
  t.strictSame(await list.read(), [{ colour: 'red' }])
})

t.test('a look before there was a connection is not remembered', async (t) => {
  const { redis: ready, key } = await copied(t)
  await ready.hset(key, { ...whole, a: red })
  const options = { log: createLog('test', 'fatal'), name: 'copy', patience: 'request' } as const
  const redis = createRedis(testStores().redisUrl, options)
  t.teardown(() => redis.disconnect())
  const list = createCopiedList({ redis, key, fields, schema, maxAgeMs: 60_000 })
  t.strictSame(await list.read(), [], 'nobody could be asked')
  await eventually('redis', async () => redis.status === 'ready')
  t.strictSame(await list.read(), [{ colour: 'red' }])
})
