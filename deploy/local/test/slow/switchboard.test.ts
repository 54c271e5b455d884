import { randomBytes } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { request } from 'undici'
import { production } from './production.js'
import { figure } from './workers.js'

const copyKey = '{latchkey}:switches'
const withinMs = 2_000

t.test('a switch holds in every replica within 2 s, whatever became of Redis and of users', async (t) => {
  const secret = randomBytes(32).toString('base64url')
  const on = await production(t, { env: { INTERNAL_SECRET: secret } })
  const { stack, redis: server } = on
  const others = await Promise.all((['sms-worker', 'auth-gateway'] as const).map((name) => stack.another(name)))
  const opsUrls = [
    stack.opsUrls['sms-worker'],
    stack.opsUrls['auth-gateway'],
    ...others.map(({ opsPort }) => `http://127.0.0.1:${opsPort}`),
  ]
  const redis = new Redis(server.url)
  redis.on('error', () => undefined)
  t.teardown(() => redis.disconnect())

  async function ask(path: string, more: object): Promise<{ switch: { id: string }; switches: unknown[] }> {
    const answer = await request(`${stack.usersUrl}/internal/switches${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ by: { operator: 'asha' }, ...more }),
    })
    if (answer.statusCode !== 200) throw new Error(`users answered with ${answer.statusCode}`)
    return (await answer.body.json()) as never
  }
  const stop = async (name: string, forMs = 600_000) =>
    (
      await ask('', {
        order: {
          does: 'stop',
          target: 'country',
          name,
          until: new Date(Date.now() + forMs).toISOString(),
          why: 'a test',
        },
      })
    ).switch.id
  /** How long it takes until all replicas obey, or none does any more. */
  async function all(name: string, obey: 0 | 1, since = performance.now()): Promise<number> {
    await eventually(
      `all to ${obey === 1 ? 'obey' : 'forget'} ${name}`,
      async () => {
        const seen = await Promise.all(opsUrls.map((url) => figure(url, 'latchkey_switched', `name="${name}"`)))
        return seen.every((each) => each === obey)
      },
      10_000,
    )
    return performance.now() - since
  }
  const inTime = (what: string, tookMs: number) => {
    t.ok(tookMs < withinMs, `${what}: ${tookMs.toFixed(0)} ms`)
    t.comment(`${what}: ${tookMs.toFixed(0)} ms`)
  }

  const first = await stop('PK')
  inTime('it is set', await all('PK', 1))

  await redis.del(copyKey)
  t.equal(await all('PK', 1, performance.now()).then((ms) => ms < 500), true, 'a copy that is lost switches nothing on')
  const lostAt = performance.now()
  await eventually('the copy to be back', async () => (await redis.hget(copyKey, 'complete')) === '1')
  inTime('the copy is written anew', performance.now() - lostAt)

  await server.kill()
  const ended = ask('/end', { id: first })
  const second = await Promise.all([ended, stop('BD')]).then(([, id]) => id)
  t.equal(await all('PK', 1).then((ms) => ms < 1_000), true, 'what was read last holds while Redis is away')
  await server.restart()
  await on.readyAgain()
  const backAt = performance.now()
  inTime('what was ended while Redis was away', await all('PK', 0, backAt))
  inTime('what was set while it was away', await all('BD', 1, backAt))

  await stack.processes.users.stop('SIGTERM', 10_000)
  await redis.del(copyKey)
  await stack.restart('users')
  const startedAt = performance.now()
  t.equal((await ask('/list', {})).switches.length, 1, 'it survives a restart of users')
  await eventually('the copy to be back', async () => (await redis.hget(copyKey, 'complete')) === '1')
  inTime('the copy after a restart of users', performance.now() - startedAt)
  await ask('/end', { id: second })
  inTime('it is ended', await all('BD', 0))

  await stack.processes.users.stop('SIGTERM', 10_000).then(() => stack.restart('users'))
  await stop('NP', 3_000)
  const end = performance.now() + 3_000
  await all('NP', 1)
  await stack.processes.users.stop('SIGTERM', 10_000)
  inTime('it ends by itself, without users', Math.max(0, await all('NP', 0, end)))
})
