import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { type ServiceName, serviceNames } from '../../src/env.js'
import { codeFromInbox, journey, randomPhone } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { startLoad } from './load.js'
import { type Guest, signUp } from './people.js'
import { production, type Production } from './production.js'
import { ends, lookInside } from './workers.js'

t.jobs = 2

const sends = 50
/** What a step of closing may take; the worker has a handful of steps, of which one can be slow. */
const promisedMs = 10_000

/** How many sign up at once: fifty are more than a busy machine serves in time. */
const doors = 8

function ordersOf(n: number): Parameters<typeof signUp>[1] {
  if (n % 2 === 0) return [{ fault: 'hang', times: 1 }]
  const taken = { fault: 'slow', ms: 15_000, times: 1 }
  return n % 10 === 1 ? [taken, { fault: 'lag', on: 'list' }] : [taken]
}

/** Fifty messages are at a carrier that does not answer: half were taken, and of some the carrier will deny that. */
async function inFlight(on: Production, { queue }: ReturnType<typeof lookInside>): Promise<Guest[]> {
  const guests: Guest[] = []
  const arrive = async (from: number) => {
    for (let n = from; n < sends; n += doors) guests[n] = await signUp(on, ordersOf(n))
  }
  await Promise.all(Array.from({ length: doors }, (_, door) => arrive(door)))
  await eventually('all to be in hand', async () => (await queue.getActiveCount()) === sends, 4_000)
  return guests
}

/** The next worker decides all: those that are denied went twice, and none a third time. */
async function allDecided(t: Test, on: Production, guests: readonly Guest[]): Promise<void> {
  for (const guest of guests) await ends(on, guest, ['accepted'], 40_000)
  const ledger = await on.ledger()
  const counts = guests.map(({ phone }) => ledger.filter(({ to }) => to === phone).length)
  t.same(
    counts,
    guests.map((_, n) => (n % 10 === 1 ? 2 : 1)),
    'accepts of each message',
  )
  await checkInvariants(t, on, guests)
}

t.test('a worker told to stop with fifty sends at a carrier that hangs', async (t) => {
  const on = await production(t)
  const inside = lookInside(t, on)

  await t.test('leaves as promised, with 0 and nothing in hand; the next one decides all', async (t) => {
    const guests = await inFlight(on, inside)
    const { pid, ended } = on.stack.processes['sms-worker']
    const since = Date.now()
    process.kill(pid, 'SIGTERM')
    t.equal(await ended, 0)
    const tookMs = Date.now() - since
    t.ok(tookMs < promisedMs, `it left after ${tookMs} ms`)
    t.comment(`it left after ${tookMs} ms`)
    t.equal(await inside.queue.getActiveCount(), 0)
    await on.stack.restart('sms-worker')
    await allDecided(t, on, guests)
  })

  await t.test('and told so twice, leaves at once; nothing is lost', async (t) => {
    const guests = await inFlight(on, inside)
    const { pid, ended } = on.stack.processes['sms-worker']
    const said = on.stack.logs().split('"stopping"').length
    process.kill(pid, 'SIGTERM')
    await eventually('it to have heard', async () => on.stack.logs().split('"stopping"').length > said)
    const since = Date.now()
    process.kill(pid, 'SIGTERM')
    t.equal(await ended, 1)
    t.ok(Date.now() - since < 1_000, `it left after ${Date.now() - since} ms`)
    await on.stack.restart('sms-worker')
    await allDecided(t, on, guests)
  })

  await t.test('the gateway and users, under load, answer what they took on and refuse the rest', async (t) => {
    const load = startLoad(on, { perSecond: 8 })
    for (const name of ['auth-gateway', 'users'] as const) {
      await sleep(2_500)
      const { pid, ended } = on.stack.processes[name]
      process.kill(pid, 'SIGTERM')
      t.equal(await ended, 0, `${name} went with 0`)
      await on.stack.restart(name)
    }
    await sleep(2_000)
    await load.stop()
    const { people } = load
    const cutOff = people.filter(({ told }) => told.some(({ what, status }) => what === 'sign-up' && status === 0))
    t.comment(`${people.length} people, ${cutOff.length} met a closed door`)
    const sentTo = new Set((await on.ledger()).map(({ to }) => to))
    t.same(
      cutOff.filter(({ phone }) => sentTo.has(phone)),
      [],
      'whoever was cut off had no effect',
    )
    // A 503 says that the effect is not certain; a connection that broke says that there was none.
    const robbed = people.filter(({ told }) => {
      const answers = told.filter(({ what }) => what === 'answer').map(({ status }) => status)
      return answers.at(-1) === 410 && !answers.includes(503)
    })
    t.same(robbed, [], 'whose code had its effect was told so')
    await checkInvariants(t, on, people)
  })
})

const rounds = 10

/** Waits until somebody listens. */
const opens = (url: string) =>
  eventually(
    'a door to open',
    () =>
      fetch(url).then(
        ({ body }) => body?.cancel().then(() => true) ?? true,
        () => false,
      ),
    30_000,
  )

t.test('a service told to stop while it starts goes quietly, and leaves nothing behind', async (t) => {
  const { stack, call } = await journey(t)
  await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
  const waiting = await Promise.all(
    Array.from({ length: 10 }, async () => {
      const phone = randomPhone()
      t.equal((await call('POST', '/v1/signup', { phone })).status, 202)
      return phone
    }),
  )
  await Promise.all((['users', 'auth-gateway'] as const).map((name) => stack.processes[name].stop('SIGTERM', 10_000)))
  const urls = { 'auth-gateway': stack.gatewayUrl, 'sms-worker': stack.workerUrl, users: stack.usersUrl }
  const startedAt = Date.now()
  await stack.restart('users')
  const startMs = Date.now() - startedAt
  await stack.processes.users.stop('SIGTERM', 10_000)

  /** Anywhere in a start, or in the middle of it: once the first door is open, and before all that follows is. */
  async function someMoment(name: ServiceName, round: number): Promise<string> {
    if (round % 2 === 0) {
      const afterMs = randomInt(startMs)
      await sleep(afterMs)
      return `${afterMs} ms after its start`
    }
    await Promise.any([stack.opsUrls[name], urls[name]].map(opens))
    const afterMs = randomInt(40)
    await sleep(afterMs)
    return `${afterMs} ms after it began to listen`
  }

  async function interrupted(name: ServiceName, round: number): Promise<number> {
    const service = await stack.launch(name)
    const from = readFileSync(service.logFile).length
    const moment = await someMoment(name, round)
    process.kill(service.pid, 'SIGTERM')
    const exit = await service.ended
    // Before Node has read the program the signal ends it by itself.
    t.ok(exit === 0 || exit === 'SIGTERM', `${name} told so ${moment} ended with ${exit}`)
    const said = readFileSync(service.logFile).subarray(from).toString().split('\n')
    // Warnings of a store that is slow are none of it.
    const bad = said.filter((line) => line !== '' && (!line.startsWith('{') || line.startsWith('{"level":60')))
    t.same(bad, [], `${name} told so ${moment} complains of nothing`)
    for (const url of [stack.opsUrls[name], urls[name]])
      await t.rejects(fetch(url), { message: 'fetch failed' }, 'nobody listens any more')
    return exit === 0 ? 1 : 0
  }
  const inOrder = await Promise.all(
    serviceNames.map(async (name) => {
      let quiet = 0
      for (let round = 0; round < rounds; round++) quiet += await interrupted(name, round)
      return `${name} ${quiet}`
    }),
  )
  t.comment(`of ${rounds} starts each, so many had begun to listen to signals: ${inOrder.join(', ')}`)

  for (const name of serviceNames) await stack.restart(name)
  for (const phone of waiting) {
    await eventually('the code', () => codeFromInbox(call, phone).catch(() => undefined), 25_000)
    const { body } = await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)
    t.equal(body.length, 1, 'no code was lost, and none was sent twice')
  }
})
