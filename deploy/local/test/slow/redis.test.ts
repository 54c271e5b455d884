import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { serviceNames } from '../../src/env.js'
import { checkInvariants } from './invariants.js'
import { startLoad, toldBetween } from './load.js'
import { production, type Production } from './production.js'
import type { Server } from './servers.js'

const outageMs = 12_000
/** The services that need Redis for every request or job; users needs it for the delivery log. */
const all = serviceNames

interface Outage {
  begin(redis: Server): Promise<void>
  end(redis: Server): Promise<void>
}

const outages: Record<string, Outage> = {
  'with Redis killed for 12 s under load everybody is told 503 in time, and codes go out again at once': {
    begin: (redis) => redis.kill(),
    end: (redis) => redis.restart(),
  },
  'with Redis frozen for 12 s under load everybody is told 503 in time, and codes go out again at once': {
    begin: async (redis) => redis.freeze(),
    end: async (redis) => redis.thaw(),
  },
}

for (const [name, outage] of Object.entries(outages)) t.test(name, (t) => survives(t, outage))

async function survives(t: Test, { begin, end }: Outage): Promise<void> {
  const on = await production(t)
  const { redis, health, ledger, readyAgain } = on
  await on.order({ to: '*', fault: 'slow', ms: 300 })
  const load = startLoad(on, { perSecond: 4 })
  await eventually('the first sessions', async () => load.people.filter(({ session }) => session).length >= 4, 30_000)

  await begin(redis)
  const beganAt = Date.now()
  const watch = watchHealth(on)
  await sleep(outageMs)
  const seen = await watch.stop()
  t.same(seen.live, ['200'], 'every service stays alive')
  t.same(seen.ready, ['503'], 'and none says it were ready')

  const endedAt = Date.now()
  await end(redis)
  const backAt = Date.now()
  const first = await eventually('a send', async () => (await ledger()).find(({ at }) => Date.parse(at) > endedAt))
  const firstMs = Date.parse(first.at) - backAt
  t.ok(firstMs <= 5_000, `the first send came ${firstMs} ms after Redis`)
  await readyAgain()
  t.comment(`first send ${firstMs} ms after Redis was back; all ready after ${Date.now() - backAt} ms`)
  await sleep(3_000)
  await load.stop()

  const told = toldBetween(load.people, beganAt, endedAt - 2_000)
  t.ok(told.length > 20, `${told.length} calls during the outage`)
  t.same([...new Set(told.map(({ status }) => status))], [503])
  const slowest = Math.max(...told.map(({ tookMs }) => tookMs))
  t.ok(slowest < 2_000, `the slowest answer took ${slowest.toFixed(0)} ms`)
  t.comment(`${told.length} calls during the outage, slowest ${slowest.toFixed(0)} ms`)
  t.ok(toldBetween(load.people, backAt + 3_000, Infinity).some(({ status }) => status === 202))
  t.equal(await health('auth-gateway'), 200)
  await checkInvariants(t, on, load.people)
}

/** What `/live` and `/ready` of all services say until it is stopped, but for the first seconds: a ping may be on its way. */
function watchHealth({ health }: Production) {
  const seen = { live: new Set<string>(), ready: new Set<string>() }
  let stopped = false
  const watching = (async () => {
    await sleep(3_000)
    while (!stopped) {
      for (const name of all) {
        const [live, ready] = await Promise.all([health(name, 'live'), health(name, 'ready')])
        if (stopped) break
        seen.live.add(String(live))
        seen.ready.add(String(ready))
      }
      await sleep(300)
    }
  })()
  return {
    async stop() {
      stopped = true
      await watching
      return { live: [...seen.live], ready: [...seen.ready] }
    },
  }
}

t.test('services that start without Redis are alive, not ready, and wait for it', async (t) => {
  const on = await production(t)
  const { stack, redis, health, readyAgain } = on
  await Promise.all(serviceNames.map((name) => stack.processes[name].stop('SIGTERM', 10_000)))
  await redis.kill()
  const services = await Promise.all(serviceNames.map((name) => stack.launch(name)))
  const ended: unknown[] = []
  for (const { name, ended: end } of services) void end.then((exit) => ended.push([name, exit]))
  for (const name of serviceNames)
    await eventually(`${name} to live`, async () => (await health(name, 'live')) === 200, 30_000)
  for (const end = Date.now() + 5_000; Date.now() < end; await sleep(250)) {
    for (const name of serviceNames) t.equal(await health(name), 503, `${name} is not ready`)
  }
  t.same(ended, [], 'none of them gave up')
  await redis.restart()
  await readyAgain()
  const load = startLoad(on, { perSecond: 4 })
  await sleep(2_000)
  await load.stop()
  t.ok(load.people.every(({ session }) => session !== undefined))
  t.same(ended, [], 'they are the same processes')
  await checkInvariants(t, on, load.people)
})
