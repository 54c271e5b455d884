import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { serviceNames } from '../../src/env.js'
import { LaunchError } from '../../src/launch-error.js'
import { production } from './production.js'

/** A policy is looked at once a minute. */
const nextLookMs = 75_000

t.test('a Redis that evicts or does not persist is refused at the start, and turns services red later', async (t) => {
  const on = await production(t)
  const { stack, health, readyAgain } = on
  const redis = new Redis(on.redis.url)
  t.teardown(() => redis.disconnect())
  const ended: unknown[] = []
  for (const name of serviceNames) void stack.processes[name].ended.then((exit) => ended.push([name, exit]))

  for (const [setting, bad, good] of [
    ['maxmemory-policy', 'allkeys-lru', 'noeviction'],
    ['maxmemory-policy', 'volatile-lru', 'noeviction'],
    ['appendonly', 'no', 'yes'],
  ] as const) {
    await redis.config('SET', setting, bad)
    for (const name of serviceNames) {
      const refusal = await stack.another(name).then(
        () => undefined,
        (error: unknown) => error,
      )
      t.equal(
        refusal instanceof LaunchError && refusal.exitCode,
        78,
        `${name} refuses ${setting} ${bad}: ${String(refusal)}`,
      )
    }
    await redis.config('SET', setting, good)
  }

  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru')
  const changedAt = Date.now()
  await Promise.all(
    serviceNames.map((name) => eventually(`${name} to see it`, async () => (await health(name)) === 503, nextLookMs)),
  )
  t.comment(`all services red ${Math.round((Date.now() - changedAt) / 1_000)} s after the policy was changed`)
  for (const name of serviceNames) t.equal(await health(name, 'live'), 200, `${name} stays alive`)
  await redis.config('SET', 'maxmemory-policy', 'noeviction')
  await sleep(50)
  // They look again whenever they connect.
  await redis.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
  await readyAgain(nextLookMs)
  t.same(ended, [], 'and none of them ended')
})
