import { type AddressInfo, createServer, type Socket } from 'node:net'
import { eventually, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import type { ConfigError } from '../src/config.js'
import { createLog } from '../src/log.js'
import { createRedis, guardRedis } from '../src/redis.js'
import { addressOf, startProxy, through } from '../src/test-proxy.js'

interface Settings {
  policy: string
  aof: string
  /** Looks at its policy that it does not answer. */
  busyFor?: number
}

/** What tells of its policy as Redis does, and otherwise only says that it is there: a real one would have to be set wrong for all. */
async function policyServer(t: Test, settings: Settings) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const [, command = '', section] of String(chunk).matchAll(
        /\*\d+\r\n\$\d+\r\n(\w+)(?:\r\n\$\d+\r\n(\w+))?/g,
      )) {
        if (section === 'memory' && (settings.busyFor ?? 0) > 0) {
          settings.busyFor = (settings.busyFor ?? 0) - 1
          socket.write('-BUSY a script is running\r\n')
          continue
        }
        const info = `maxmemory_policy:${settings.policy}\r\naof_enabled:${settings.aof}\r\nloading:0\r\n`
        socket.write(command.toLowerCase() === 'info' ? `$${info.length}\r\n${info}\r\n` : '+OK\r\n')
      }
    })
    t.teardown(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.teardown(() => server.close())
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function guarded(t: Test, settings: Settings, appendOnly: boolean, lookEveryMs?: number) {
  const redis = createRedis(await policyServer(t, settings), {
    log: createLog('test', 'silent'),
    name: 'test',
    patience: 'request',
  })
  t.teardown(() => redis.disconnect())
  const refusals: string[] = []
  const guard = guardRedis(redis, {
    name: 'the Redis',
    appendOnly,
    ...(lookEveryMs !== undefined && { lookEveryMs }),
    refuse: (error: ConfigError) => void refusals.push(...error.problems),
  })
  t.teardown(() => guard.close())
  const settled = () =>
    eventually('a first look', async () => refusals.length > 0 || (await guard.check()) === undefined, 3_000)
  return { redis, guard, refusals, settled }
}

t.test('a Redis that would lose codes is refused, and one that begins to is told', async (t) => {
  const good = { policy: 'noeviction', aof: '1' }
  for (const [settings, appendOnly, said] of [
    [{ ...good, policy: 'allkeys-lru' }, true, /maxmemory-policy allkeys-lru; it must be noeviction/],
    [{ ...good, policy: 'volatile-ttl' }, false, /volatile-ttl/],
    [{ ...good, aof: '0' }, true, /not append-only/],
  ] as const) {
    const { refusals, settled } = await guarded(t, settings, appendOnly)
    await settled()
    t.match(refusals, [said], JSON.stringify(settings))
  }
  const laptop = await guarded(t, { ...good, aof: '0' }, false)
  await laptop.settled()
  t.same(laptop.refusals, [], 'in development it need not persist')

  const settings = { ...good }
  const { redis, guard, refusals, settled } = await guarded(t, settings, true)
  await settled()
  settings.policy = 'allkeys-lru'
  redis.disconnect(true)
  await eventually('it to be seen', async () => /allkeys-lru/.test((await guard.check()) ?? ''))
  t.same(refusals, [], 'a running process is not ended for it')
})

t.test('a Redis that had no time for the first look is looked at again at once, not after a minute', async (t) => {
  const settings = { policy: 'noeviction', aof: '1', busyFor: 1 }
  const good = await guarded(t, settings, true)
  await good.settled()
  t.same([settings.busyFor, good.refusals, await good.guard.check()], [0, [], undefined])
  const bad = await guarded(t, { policy: 'allkeys-lru', aof: '1', busyFor: 1 }, true)
  await bad.settled()
  t.match(bad.refusals, [/allkeys-lru/])
})

t.test(
  'a connection whose other end is gone without a word is left for a new one, though commands go on',
  async (t) => {
    const { redisUrl } = testStores()
    const proxy = await startProxy(addressOf(redisUrl, 6379))
    t.teardown(() => proxy.close())
    const log = createLog('test', 'silent')
    const redis = createRedis(through(redisUrl, proxy.port), { log, name: 'test', patience: 'request' })
    t.teardown(() => redis.disconnect())
    await eventually('Redis', async () => redis.status === 'ready' && redis.ping())
    proxy.freeze()
    await t.rejects(redis.ping(), /timed out/)
    proxy.vanish()
    await eventually('an answer', () => redis.ping().catch(() => undefined), 6_000)
  },
)

t.test('a policy that is changed is seen though the connection stays as it is', async (t) => {
  const settings = { policy: 'noeviction', aof: '1' }
  const { guard, settled } = await guarded(t, settings, true, 50)
  await settled()
  for (const policy of ['allkeys-lru', 'noeviction', 'volatile-lru']) {
    settings.policy = policy
    const said = policy === 'noeviction' ? /^well$/ : new RegExp(policy)
    await eventually(`${policy} to be seen`, async () => said.test((await guard.check()) ?? 'well'))
  }
})

t.test('what is asked in one turn goes in one write, and each command has its own answer', async (t) => {
  const redis = createRedis(testStores().redisUrl, {
    log: createLog('test', 'silent'),
    name: 'test',
    patience: 'request',
  })
  t.teardown(() => redis.disconnect())
  await eventually('a connection', async () => redis.status === 'ready', 3_000)
  redis.defineCommand('doubled', { numberOfKeys: 0, lua: 'return 2 * ARGV[1]' })
  const doubled = Reflect.get(redis, 'doubled') as (number: number) => Promise<number>
  if (!('stream' in redis)) throw new Error('this is a cluster')
  const writes = countWrites(redis.stream)
  const numbers = Array.from({ length: 20 }, (_, number) => number)
  for (let turn = 1; turn <= 2; turn += 1) {
    const answers = await Promise.all([
      redis.call('NOSUCHCOMMAND').catch(({ name }: Error) => name),
      redis.multi().echo('a').echo('b').exec(),
      ...numbers.map((number) => doubled.call(redis, number)),
    ])
    t.strictSame(answers, [
      'ReplyError',
      [
        [null, 'a'],
        [null, 'b'],
      ],
      ...numbers.map((number) => 2 * number),
    ])
    t.equal(writes(), turn)
  }
})

/** How often what is written to a socket was handed to the system. */
function countWrites(socket: Socket): () => number {
  let writes = 0
  const counted =
    <Args extends unknown[]>(write: ((...args: Args) => void) | undefined) =>
    (...args: Args) => {
      writes += 1
      write?.apply(socket, args)
    }
  socket._write = counted(socket._write)
  socket._writev = counted(socket._writev)
  return () => writes
}
