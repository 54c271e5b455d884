import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { sufferingKey } from '@latchkey/contracts/dev/carriers'
import { type FeedEntry, type FeedEvent, feedKey } from '@latchkey/contracts/dev/feed'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { closeHttp } from '@latchkey/kit/http'
import { createLog } from '@latchkey/kit/log'
import { createMetrics } from '@latchkey/kit/ops'
import { createRedis } from '@latchkey/kit/redis'
import { createSealer } from '@latchkey/kit/seal'
import { createSealedStream } from '@latchkey/kit/sealed-stream'
import { eventually, freePort, ownRedis, testStores } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.js'
import { loadGatewayConfig } from '../src/config.js'
import { createDeps } from '../src/deps.js'
import { createDevFeed } from '../src/dev/feed.js'
import type { DevFeedItem } from '../src/flows/ports.js'

t.jobs = 4
const log = createLog('test', 'silent')
const ring = () => `k1:${randomBytes(32).toString('base64')}`

/** The gateway with its Redis; users is away. */
async function gateway(t: Test, env: Record<string, string> = {}) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const redisUrl = await ownRedis()
  const redis = new Redis(redisUrl)
  t.teardown(() => redis.disconnect())
  await redis.del(feedKey(queuePrefix), sufferingKey(queuePrefix))
  const config = loadGatewayConfig({
    NODE_ENV: 'development',
    REDIS_URL: redisUrl,
    USERS_URL: `http://127.0.0.1:${await freePort()}`,
    GATEWAY_OPS_PORT: String(await freePort()),
    INTERNAL_SECRET: randomBytes(32).toString('base64'),
    SEAL_KEYS: ring(),
    CODE_KEYS: ring(),
    CHALLENGE_ID_KEY: ring(),
    INDEX_KEY: ring(),
    TRACE_KEY: ring(),
    ACCESS_TOKEN_KEYS: `k1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`,
    DIALECTS: 'none',
    SMS_COUNTRIES: 'IN',
    ...env,
  })
  const metrics = createMetrics('test')
  const ends: (() => unknown)[] = []
  const scope = { defer: (_name: string, end: () => unknown) => void ends.push(end), fail: () => undefined }
  const deps = await createDeps(config, { scope: scope as never, log, metrics })
  const app = await buildApp({ ...deps, log, metrics })
  t.teardown(async () => {
    await app.close()
    for (const end of ends.reverse()) await end()
  })
  if (config.NODE_ENV === 'development')
    await eventually('its Redis', async () => (await app.inject('/dev/carriers')).statusCode === 200)
  return { app, redis, dev: deps.dev }
}

/** What a page hears. */
function listen(t: Test, url: string, after?: string) {
  const events: { readonly id: string | undefined; readonly event: FeedEvent }[] = []
  let [text, ended, status] = ['', false, 0]
  const call = request(`${url}/dev/inbox/events`, {
    headers: { ...(after !== undefined && { 'last-event-id': after }) },
  })
  call.on('error', () => (ended = true))
  call.on('response', (answer) => {
    status = answer.statusCode ?? 0
    answer.on('close', () => (ended = true))
    answer.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const frames = text.split('\n\n')
      text = frames.pop() ?? ''
      for (const frame of frames) {
        const data = /^data: (.*)$/m.exec(frame)?.[1]
        const id = /^id: (.*)$/m.exec(frame)?.[1]
        if (data !== undefined) events.push({ id, event: JSON.parse(data) as FeedEvent })
      }
    })
  })
  call.end()
  t.teardown(() => call.destroy())
  return {
    events,
    kinds: () => events.map(({ event }) => event.kind),
    status: () => eventually('an answer', async () => status > 0 && status),
    hear: (count: number) => eventually(`${count} events`, async () => events.length >= count && events),
    ended: () => eventually('the end', async () => ended),
    hangUp: () => call.destroy(),
  }
}

const again = (afterMs: number): FeedEntry => ({
  kind: 'again',
  messageId: randomUUID(),
  afterMs,
  at: new Date().toISOString(),
})

t.test(
  'who looks on hears what was, and then what comes; who comes again misses nothing and hears nothing twice',
  async (t) => {
    const { app, dev } = await gateway(t)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const to = '+919876543210'
    const body = 'Latchkey: 483921 is your code.'
    const at = new Date().toISOString()
    const arrived = {
      kind: 'arrived',
      channel: 'sms',
      messageId: randomUUID(),
      attempt: 1,
      lane: 'inbox',
      to,
      body,
      at,
    }
    dev?.feed.note(again(1))
    dev?.feed.note(arrived as FeedEntry)
    const first = listen(t, url)
    const heard = await first.hear(4)
    t.strictSame(first.kinds(), ['begin', 'carriers', 'again', 'arrived'])
    t.match(heard[3]?.event, { to, code: '483921' })
    dev?.feed.note(again(2))
    const last = (await first.hear(5))[4]
    t.match(last?.event, { kind: 'again', afterMs: 2 })
    first.hangUp()

    dev?.feed.note(again(3))
    const second = listen(t, url, heard[3]?.id)
    await second.hear(2)
    t.match(second.events, [{ event: { afterMs: 2 } }, { event: { afterMs: 3 } }])
    t.equal(second.events.length, 2)
    const stranger = listen(t, url, '1-1')
    await stranger.hear(2)
    t.strictSame(stranger.kinds().slice(0, 2), ['begin', 'carriers'])
  },
)

t.test(
  'a button makes a carrier ill until a moment, for all who look on; what is no carrier of this worker cannot be',
  async (t) => {
    const { app, redis } = await gateway(t)
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    const put = async (lane: string, payload: object) =>
      app.inject({ method: 'PUT', url: `/dev/carriers/${lane}`, payload })
    t.equal((await put('inbox', { ailment: 'hang' })).statusCode, 404, 'no worker was here yet')
    await redis.hset(sufferingKey(queuePrefix), 'inbox', '')
    const page = listen(t, url)
    await page.hear(2)
    t.match(page.events[1], { event: { kind: 'carriers', carriers: [{ lane: 'inbox', suffers: null }] } })

    const before = Date.now()
    const ill = await put('inbox', { ailment: 'refuse', forSeconds: 30 })
    t.match(ill.json(), { carriers: [{ lane: 'inbox', suffers: { ailment: 'refuse' } }] })
    const { until } = ill.json().carriers[0].suffers
    t.ok(Math.abs(Date.parse(until) - before - 30_000) < 5_000)
    await page.hear(3)
    t.match(page.events[2]?.event, ill.json())
    t.same((await app.inject('/dev/carriers')).json(), ill.json())

    t.match((await put('inbox', { ailment: null })).json(), { carriers: [{ lane: 'inbox', suffers: null }] })
    for (const [lane, body] of [
      ['backup', { ailment: 'refuse' }],
      ['twilio', { ailment: 'refuse' }],
      ['inbox', { ailment: 'flu' }],
      ['inbox', { ailment: 'hang', forSeconds: 601 }],
      ['inbox', { ailment: 'hang', more: 1 }],
    ] as const)
      t.match((await put(lane, body)).statusCode, /40[04]/, JSON.stringify([lane, body]))
  },
)

t.test('more than 32 who look on are sent away, and may come once one has gone', async (t) => {
  const { app } = await gateway(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const all = Array.from({ length: 32 }, () => listen(t, url))
  for (const each of all) await each.hear(2)
  t.equal(await listen(t, url).status(), 503)
  all[0]?.hangUp()
  await eventually('a place', async () => (await listen(t, url).status()) === 200)
})

t.test('a gateway that closes lets nobody hang on', async (t) => {
  const { app } = await gateway(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const pages = [listen(t, url), listen(t, url)]
  for (const page of pages) await page.hear(2)
  const since = performance.now()
  await closeHttp(app)
  for (const page of pages) await page.ended()
  t.ok(performance.now() - since < 3_000)
})

t.test('in production nothing of it is there: no stream, no button, no inbox, no page, no clock', async (t) => {
  const routes = [
    ['GET', '/dev/inbox'],
    ['GET', '/dev/inbox/events'],
    ['GET', '/dev/carriers'],
    ['PUT', '/dev/carriers/:lane'],
    ['PUT', '/dev/clock'],
  ] as const
  const [development, production] = [await gateway(t), await gateway(t, { NODE_ENV: 'production' })]
  for (const [method, url] of routes) {
    t.ok(development.app.hasRoute({ method, url }), `${method} ${url} in development`)
    const isThere = production.app.hasRoute({ method, url })
    t.notOk(isThere, `${method} ${url} in production`)
    // A stream would be answered without end.
    if (isThere) continue
    const answer = await production.app.inject({ method, url: url.replace(':lane', 'inbox') })
    t.match([answer.statusCode, answer.json()], [404, { code: 'not.found' }])
  }
  t.notMatch(production.app.printRoutes(), 'dev')
  t.equal(production.dev, undefined)
})

/** The feed alone, on a stream of its own. */
async function feedOf(t: Test, { length = 2_000, stillMs = 60_000 } = {}) {
  const options = { log, name: 'test', patience: 'consumer' } as const
  const connect = () => createRedis(testStores().redisUrl, options)
  const redis = connect()
  const key = `{t${randomBytes(6).toString('hex')}}:feed`
  const sealer = createSealer([{ id: 'k1', secret: randomBytes(32) }])
  const bounds = { sealer, key, length, lifeSeconds: 60 }
  const writer = createSealedStream({ redis, ...bounds })
  const feed = createDevFeed({ writer, bounds, connect, log, stillMs })
  t.teardown(async () => {
    feed.close()
    await redis.del(key)
    redis.disconnect()
  })
  const stop = new AbortController()
  t.teardown(() => stop.abort())
  const follow = (after?: string) => feed.follow(after, stop.signal)[Symbol.asyncIterator]()
  return { redis, key, writer, follow, stop }
}
const numberOf = (item: DevFeedItem | undefined) =>
  typeof item === 'object' && item.entry.kind === 'again' ? item.entry.afterMs : item

t.test(
  'who reads slowly is waited for by nobody, costs nothing, and begins anew once it is too far behind',
  async (t) => {
    const { writer, follow } = await feedOf(t, { length: 100 })
    const [slow, quick] = [follow(), follow()]
    await writer.add(again(0))
    for (const each of [slow, quick]) {
      t.equal((await each.next()).value, 'begin')
      t.equal(numberOf((await each.next()).value as DevFeedItem), 0)
    }
    for (let n = 1; n <= 500; n += 1) {
      await writer.add(again(n))
      t.equal(numberOf((await quick.next()).value as DevFeedItem), n)
    }
    t.equal((await slow.next()).value, 'begin')
    t.equal(numberOf((await slow.next()).value as DevFeedItem), 401, 'what is still kept')
  },
)

t.test('where nothing happens that is told, so that the connection lives', async (t) => {
  const { follow } = await feedOf(t, { stillMs: 50 })
  const one = follow()
  t.equal((await one.next()).value, 'begin')
  for (let n = 0; n < 3; n += 1) t.equal((await one.next()).value, 'still')
})

t.test('what cannot be opened or read is left out, and an end is an end', async (t) => {
  const { redis, key, writer, follow, stop } = await feedOf(t)
  await redis.xadd(key, '*', 'box', 'k1.not.a.box')
  await redis.xadd(key, '*', 'other', 'field')
  await writer.add({ kind: 'gossip' })
  await writer.add(again(7))
  const one = follow()
  t.equal((await one.next()).value, 'begin')
  t.equal(numberOf((await one.next()).value as DevFeedItem), 7)
  const waiting = one.next()
  stop.abort()
  t.ok((await waiting).done)
})
