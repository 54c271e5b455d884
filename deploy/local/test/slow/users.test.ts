import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { checkInvariants } from './invariants.js'
import { answeredInTime, type Load, startLoad, toldBetween } from './load.js'
import { production, type Production } from './production.js'
import { startUsersDoor, type UsersDoor } from './users-door.js'

const outageMs = 9_000
/** Until the breaker has seen enough, callers wait for users. */
const noticedMs = 4_500
/** One call at a time asks again, and waits 1.8 s for nothing every 2.3 s. */
const probesMost = 2

async function underLoad(on: Production): Promise<Load> {
  const load = startLoad(on, { perSecond: 4 })
  await eventually('the first sessions', async () => load.people.filter(({ session }) => session).length >= 4, 30_000)
  return load
}

interface Outage {
  begin(): void | Promise<void>
  end(): void | Promise<void>
}

/** Begins and ends an outage under load: everybody is told in time and soon at once, and all is well a moment after. */
async function survives(t: Test, on: Production, load: Load, { begin, end }: Outage): Promise<void> {
  await begin()
  const beganAt = Date.now()
  await sleep(outageMs - 1_000)
  t.equal(await on.health('auth-gateway'), 503, 'health does not lie')
  t.equal(await on.health('auth-gateway', 'live'), 200)
  await sleep(Math.max(0, outageMs - (Date.now() - beganAt)))
  const endedAt = Date.now()
  await end()
  const backAt = Date.now()
  await eventually('the gateway to be ready', async () => (await on.health('auth-gateway')) === 200, 5_000)
  const readyMs = Date.now() - backAt
  const wellMs = await eventually('a sign-up', async () => {
    const told = toldBetween(load.people, backAt, Infinity).find(({ status }) => status === 202)
    return told && told.startedAt + told.tookMs - backAt
  })
  t.ok(wellMs < 3_500, `the first sign-up was taken ${wellMs.toFixed(0)} ms after users was back`)

  // Who is asking while users comes back may be answered by it.
  const noticed = toldBetween(load.people, beganAt + noticedMs, endedAt - 2_000)
  t.ok(noticed.length >= 5, `${noticed.length} calls while the breaker was open`)
  t.same(
    [...new Set(noticed.map(({ status }) => status))].filter((status) => status !== 429),
    [503],
  )
  const waited = noticed.filter(({ tookMs }) => tookMs > 700)
  t.ok(waited.length <= probesMost, `${waited.length} of them waited for users`)
  t.comment(
    `${noticed.length} told at once but ${waited.length}; ready ${readyMs} ms, well ${wellMs.toFixed(0)} ms after`,
  )
  answeredInTime(t, load.people, beganAt)
}

t.test('a users that is killed, or frozen, under load', async (t) => {
  const on = await production(t)
  const load = await underLoad(on)
  const { stack } = on
  const signal = (what: NodeJS.Signals) => void process.kill(stack.processes.users.pid, what)
  await t.test('killed: told 503 at once, and well when it is back', (t) =>
    survives(t, on, load, { begin: () => signal('SIGKILL'), end: () => stack.restart('users') }),
  )
  await sleep(2_000)
  await t.test('frozen: told 503 in time, soon at once, and well when it thaws', (t) =>
    survives(t, on, load, { begin: () => signal('SIGSTOP'), end: () => signal('SIGCONT') }),
  )
  await sleep(2_000)
  await load.stop()
  await checkInvariants(t, on, load.people)
})

t.test('a users that is slow, half-open, or answers garbage, under load', async (t) => {
  let door!: UsersDoor
  const on = await production(t, { usersUrl: async (direct) => (door = await startUsersDoor(t, direct)).url })
  const load = await underLoad(on)
  for (const manners of ['late', 'silent', 'garbage'] as const) {
    await t.test(`${manners}: told 503 in time, soon at once, and well when it is well`, (t) =>
      survives(t, on, load, { begin: () => door.behave(manners), end: () => door.behave('good') }),
    )
    await sleep(2_000)
  }
  await load.stop()
  await checkInvariants(t, on, load.people)
})
