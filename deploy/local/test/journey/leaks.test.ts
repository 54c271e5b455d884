import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { ownRedis, testStores } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { query } from '../../src/postgres.js'
import { findLeaks, noCanaries } from './canaries.js'
import { inPostgres, inProcessList, inRedis } from './hiding-places.js'

t.test('a leak is found in whatever form it comes', (t) => {
  const phone = '+919812345670'
  const canaries = {
    texts: ['Canary Nightingale', 'pass"word'],
    tokens: ['lkr_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4'],
    phones: [phone],
    codes: ['483921'],
  }
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const leaky = [
    'name=Canary+Nightingale',
    'name=Canary%20Nightingale',
    JSON.stringify({ password: 'pass"word' }),
    `a ${base64('x Canary Nightingale y')}`,
    `b ${base64('xy Canary Nightingale z')}`,
    `c ${base64('xyz Canary Nightingale')}`,
    'the token lkr_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4',
    'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9v…',
    phone,
    'to=%2B919812345670',
    '00919812345670',
    '9812345670',
    '98123 45670',
    '+91 (981) 234-5670',
    base64(`{"to":"${phone}"}`),
    '{"code":"483921"}',
    'your code is 483921.',
    '@example.com #483921',
  ]
  for (const text of leaky) t.equal(findLeaks(`before ${text} after`, canaries).length > 0, true, text)
  const harmless = ['1483921', '48392100', '0.483921', 'a483921b', '5f-483921-aa', '+91••••••5670', 'Canary', 'lkr_']
  for (const text of harmless) t.same(findLeaks(`before ${text} after`, canaries), [], text)
  t.end()
})

t.test('a leak is found in whatever place it is', async (t) => {
  const canary = `canary-${randomBytes(8).toString('hex')}`
  const canaries = { ...noCanaries(), texts: [canary] }
  const found = (text: string) => findLeaks(text, canaries).length === 1

  const url = await ownRedis()
  const redis = new Redis(url)
  t.teardown(async () => {
    await redis.flushdb()
    redis.disconnect()
  })
  const plants: Record<string, () => Promise<unknown>> = {
    key: () => redis.set(`of ${canary}`, '1'),
    string: () => redis.set('k', canary),
    'field of a hash': () => redis.hset('k', canary, '1'),
    hash: () => redis.hset('k', 'field', canary),
    list: () => redis.rpush('k', 'first', canary),
    set: () => redis.sadd('k', canary),
    'sorted set': () => redis.zadd('k', 1, canary),
    stream: () => redis.xadd('k', '*', 'field', canary),
  }
  for (const [place, plant] of Object.entries(plants)) {
    await redis.flushdb()
    t.notOk(found(await inRedis(url)))
    await plant()
    t.ok(found(await inRedis(url)), place)
  }
  await redis.flushdb()
  await redis.hset('q:m-1', { data: canary, failedReason: `no: ${canary}` })
  t.ok(found(await inRedis(url, ['m-1'])), 'why a job failed, though its payload was planted')
  await redis.hset('q:m-1', { failedReason: 'no' })
  t.notOk(found(await inRedis(url, ['m-1'])))

  const { databaseUrl } = testStores()
  const database = `canary_${randomBytes(4).toString('hex')}`
  await query(databaseUrl, `create database ${database}`)
  t.teardown(() => query(databaseUrl, `drop database ${database} with (force)`))
  const own = new URL(databaseUrl)
  own.pathname = `/${database}`
  await query(own.href, `create table notes (data jsonb)`)
  await query(own.href, `insert into notes values ('{"deep": {"note": "${canary}"}}')`)
  t.ok(found((await inPostgres(own.href)).get('notes') ?? ''))

  if (process.platform !== 'linux') return
  t.notOk(found(inProcessList()))
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()', canary], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await once(child, 'spawn')
  t.ok(found(inProcessList()))
  child.stdin.end()
  await once(child, 'close')
})
