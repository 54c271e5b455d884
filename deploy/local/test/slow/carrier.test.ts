import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { checkInvariants } from './invariants.js'
import { getIn, type Guest, signUp } from './people.js'
import { codeIn, production, type Production } from './production.js'
import { ends, logOf } from './workers.js'

type Orders = Parameters<typeof signUp>[1]

/** A carrier whose list never knows anything. */
const blind = { fault: 'lag', on: 'list' } as const
const codeLifeSeconds = 40
/** First the call, 5 s at most; then 2 s until it can be found; then the next. */
const recoveredMs = 15_000

/** The carrier is well again after one bad call: with how many SMS the person gets in. */
const passing: Record<string, { orders: Orders; accepts: number }> = {
  hangs: { orders: [{ fault: 'hang', times: 1 }], accepts: 1 },
  'resets the connection': { orders: [{ fault: 'reset-before', times: 1 }], accepts: 1 },
  'resets it after taking the message': { orders: [{ fault: 'reset-after-accept', times: 1 }], accepts: 1 },
  'resets it then, and does not list it': { orders: [{ fault: 'reset-after-accept', times: 1 }, blind], accepts: 2 },
  'resets it always, and can be asked': { orders: [{ fault: 'reset-after-accept' }], accepts: 1 },
  'answers 503': { orders: [{ fault: '503', times: 1 }], accepts: 1 },
  'answers 503 after taking it': { orders: [{ fault: '503-after-accept', times: 1 }], accepts: 1 },
  'answers 503 then, and does not list it': { orders: [{ fault: '503-after-accept', times: 1 }, blind], accepts: 2 },
  'answers half a JSON': { orders: [{ fault: 'truncated', times: 1 }], accepts: 1 },
  'answers HTML with 200': { orders: [{ fault: 'html-200', times: 1 }], accepts: 1 },
  'answers an error with 200': { orders: [{ fault: 'error-200', times: 1 }], accepts: 1 },
  'names the message oddly': { orders: [{ fault: 'odd-sid', times: 1 }], accepts: 1 },
  'asks for 3 s of patience': { orders: [{ fault: '429', ms: 3_000, times: 1 }], accepts: 1 },
  'drips its answer': { orders: [{ fault: 'slow-drip', ms: 12_000, times: 1 }], accepts: 1 },
  'takes 4 s': { orders: [{ fault: 'slow', ms: 4_000, times: 1 }], accepts: 1 },
  'hangs when it is asked': {
    orders: [
      { fault: '503', times: 1 },
      { fault: 'hang', on: 'list', times: 1 },
    ],
    accepts: 1,
  },
}

/** The carrier stays as it is: how the message ends, and after how many calls. */
const lasting: Record<string, { orders: Orders; state: string; calls: number; accepts?: number; within?: 'now' }> = {
  hangs: { orders: [{ fault: 'hang' }], state: 'unknown', calls: 2 },
  'resets the connection': { orders: [{ fault: 'reset-before' }], state: 'unknown', calls: 2 },
  'answers 503': { orders: [{ fault: '503' }], state: 'unknown', calls: 2 },
  'answers 503 after taking it, and does not list it': {
    orders: [{ fault: '503-after-accept' }, blind],
    state: 'unknown',
    calls: 2,
    accepts: 2,
  },
  'answers HTML with 200': { orders: [{ fault: 'html-200' }], state: 'unknown', calls: 2 },
  'asks for ten minutes of patience': { orders: [{ fault: '429', ms: 600_000 }], state: 'expired_unsent', calls: 2 },
}

const toMend = 'Messages cannot be sent to this number at the moment. The operators have been told.'
/** What the carrier refuses: what the person is told, after one call. */
const refused: Record<number, { state: 'rejected' | 'failed'; reason: string; told: string }> = {
  20003: { state: 'failed', reason: 'misconfigured', told: toMend },
  21606: { state: 'failed', reason: 'misconfigured', told: toMend },
  21408: { state: 'rejected', reason: 'misconfigured', told: toMend },
  21211: { state: 'rejected', reason: 'invalid_number', told: 'not a working number' },
  21614: { state: 'rejected', reason: 'not_mobile', told: 'Use a mobile number' },
  21610: { state: 'rejected', reason: 'opted_out', told: 'Text START to our number' },
  21612: { state: 'rejected', reason: 'blocked', told: 'use another number' },
}

const each = <T>(cases: Record<string, T>, run: (name: string, one: T) => Promise<Guest>): Promise<Guest[]> =>
  Promise.all(Object.entries(cases).map(([name, one]) => run(name, one)))

async function acceptsOf({ ledger }: Production, { phone }: Guest) {
  return (await ledger()).filter(({ to }) => to === phone)
}

/** Codes to healthy numbers go out at once, however ill the carrier is for others. */
async function othersAreServed(t: Test, on: Production): Promise<Guest[]> {
  const guests: Guest[] = []
  for (let n = 0; n < 12; n++) {
    const guest = await signUp(on)
    t.equal(await getIn(on, guest, 3_000), 201)
    guests.push(guest)
    await sleep(1_000)
  }
  return guests
}

t.test(
  'whatever a carrier does, every message ends truly and in time, and each code that can arrive does',
  async (t) => {
    const on = await production(t, { env: { CODE_LIFE_SECONDS: String(codeLifeSeconds) } })

    const recovered = each(passing, async (name, { orders, accepts }) => {
      const guest = await signUp(on, orders)
      const since = Date.now()
      await ends(on, guest, ['accepted'])
      t.ok(Date.now() - since < recoveredMs, `a carrier that ${name}: accepted after ${Date.now() - since} ms`)
      const taken = await acceptsOf(on, guest)
      t.equal(taken.length, accepts, `a carrier that ${name}: ${accepts} accepts`)
      t.equal(new Set(taken.map(codeIn)).size, 1)
      t.equal(await getIn(on, guest), 201, `a carrier that ${name}: the code arrived in its life`)
      return guest
    })
    const told = each(refused, async (code, { state, reason, told: sentence }) => {
      const guest = await signUp(on, [{ fault: 'refuse', code: Number(code) }])
      t.match(await ends(on, guest, ['rejected', 'failed'], 5_000), { state, reason }, code)
      const { body } = await on.call('GET', `/v1/challenges/${guest.challenge.id}`)
      t.match(body, { delivery: 'failed', reason: sentence }, `${code} is told`)
      return guest
    })
    const given = each(lasting, async (_name, { orders }) => signUp(on, orders))
    const [first, second, third, others] = await Promise.all([recovered, told, given, othersAreServed(t, on)])

    const lastEnd = Math.max(...third.map(({ challenge }) => Date.parse(challenge.expiresAt)))
    await sleep(lastEnd - Date.now() + 4_000)
    for (const [at, [name, { state, calls, accepts = 0 }]] of Object.entries(lasting).entries()) {
      const guest = third[at] as Guest
      const [message] = await logOf(on, guest)
      t.match(message, { state }, `a carrier that ${name} for good`)
      t.equal(message?.attempts.length, calls, `a carrier that ${name} for good: ${calls} calls`)
      t.equal((await acceptsOf(on, guest)).length, accepts)
    }
    for (const [at, code] of Object.keys(refused).entries())
      t.equal((await logOf(on, second[at] as Guest))[0]?.attempts.length, 1, `${code}: one call and no more`)
    await checkInvariants(t, on, [...first, ...second, ...third, ...others])
  },
)
