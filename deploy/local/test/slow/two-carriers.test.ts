import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { checkInvariants } from './invariants.js'
import { startLoad } from './load.js'
import { getIn, type Guest, signUp } from './people.js'
import { codeIn, production, type Production } from './production.js'
import { ends, figure, logOf } from './workers.js'

type Orders = Parameters<typeof signUp>[1]

/** A carrier whose list never knows anything. */
const blind = { fault: 'lag', on: 'list' } as const
/** The call, 5 s at most; 2 s until it can be found; the other carrier. */
const recoveredMs = 15_000

/** What Twilio does with a number for good while the other carrier is well: with how many SMS the person gets in. */
const spoiled: Record<string, { orders: Orders; accepts: number }> = {
  hangs: { orders: [{ fault: 'hang' }], accepts: 1 },
  'resets the connection': { orders: [{ fault: 'reset-before' }], accepts: 1 },
  'resets it after taking the message': { orders: [{ fault: 'reset-after-accept' }], accepts: 1 },
  'resets it then, and does not list it': { orders: [{ fault: 'reset-after-accept' }, blind], accepts: 2 },
  'answers 503': { orders: [{ fault: '503' }], accepts: 1 },
  'answers 503 after taking it, and does not list it': { orders: [{ fault: '503-after-accept' }, blind], accepts: 2 },
  'answers half a JSON': { orders: [{ fault: 'truncated' }], accepts: 1 },
  'answers HTML with 200': { orders: [{ fault: 'html-200' }], accepts: 1 },
  'answers an error with 200': { orders: [{ fault: 'error-200' }], accepts: 1 },
  'asks for ten minutes of patience': { orders: [{ fault: '429', ms: 600_000 }], accepts: 1 },
  'does not know us': { orders: [{ fault: 'refuse', code: 20003 }], accepts: 1 },
  'has no way to it': { orders: [{ fault: 'refuse', code: 21612 }], accepts: 1 },
  'is not allowed there': { orders: [{ fault: 'refuse', code: 21408 }], accepts: 1 },
}
/** What no carrier is asked a second time about. */
const refused = [21211, 21610, 21614]

async function acceptsOf({ ledger }: Production, { phone }: Guest) {
  return (await ledger()).filter(({ to }) => to === phone)
}

/** Whoever comes while Twilio spoils single numbers gets in through the other, at once and with one code. */
async function faultsOfOne(t: Test, on: Production): Promise<Guest[]> {
  const guests: Guest[] = []
  const waits: Promise<void>[] = []
  for (const [name, { orders, accepts }] of Object.entries(spoiled)) {
    // So many are well that the lane as a whole is.
    for (let n = 0; n < 2; n += 1) guests.push(await signUp(on))
    const guest = await signUp(on, orders)
    guests.push(guest)
    const since = Date.now()
    const comesIn = async () => {
      await ends(on, guest, ['accepted'])
      t.ok(Date.now() - since < recoveredMs, `${name}: accepted after ${Date.now() - since} ms`)
      t.equal(await getIn(on, guest), 201, name)
      const taken = await acceptsOf(on, guest)
      t.equal(taken.length, accepts, `${name}: ${accepts} accepts over both carriers`)
      t.equal(new Set(taken.map(codeIn)).size, 1, name)
    }
    waits.push(comesIn())
  }
  for (const code of refused) {
    const guest = await signUp(on, [{ fault: 'refuse', code }])
    guests.push(guest)
    await ends(on, guest, ['rejected'])
    t.equal((await logOf(on, guest))[0]?.attempts.length, 1, `${code} is not shopped around`)
  }
  await Promise.all(waits)
  return guests
}

/** Both carriers take or lose a message and say nothing: two sends over both, and no third. */
async function faultsOfBoth(t: Test, on: Production): Promise<Guest[]> {
  const faults = ['reset-after-accept', 'hang', '503-after-accept'] as const
  const guests = await Promise.all(
    faults.map(async (fault) => {
      const guest = await signUp(on, [{ fault }, blind])
      await on.central?.order({ to: guest.phone, fault })
      return guest
    }),
  )
  for (const guest of guests) await ends(on, guest, ['unknown'])
  return guests
}

/** A resend goes through the other carrier, there and back. */
async function resends(t: Test, on: Production): Promise<void> {
  const guest = await signUp(on)
  await on.codeFor(guest.phone)
  for (const count of [2, 3]) {
    await eventually('the cooldown', async () => {
      const { status } = await on.call('POST', `/v1/challenges/${guest.challenge.id}/resend`)
      return status === 202
    })
    await eventually(`SMS ${count}`, async () => (await acceptsOf(on, guest)).length === count)
  }
  const lanes = (await acceptsOf(on, guest)).map(({ sid }) => (sid.startsWith('SM') ? 'twilio' : 'messagecentral'))
  t.strictSame(lanes, ['twilio', 'messagecentral', 'twilio'])
  t.equal(await getIn(on, guest), 201)
}

t.test('with two carriers one that is ill costs nobody a code, and no message goes out a third time', async (t) => {
  const on = await production(t, {
    twoCarriers: true,
    env: { SEND_COOLDOWNS_SECONDS: '2,2,2,2', CODE_LIFE_SECONDS: '45' },
  })
  const [single] = await Promise.all([faultsOfOne(t, on), resends(t, on)])
  const both = await faultsOfBoth(t, on)

  const worker = on.stack.opsUrls['sms-worker']
  const out = (why: string) => figure(worker, 'latchkey_lane_out', `lane="twilio",why="${why}"`)
  const load = startLoad(on, { perSecond: 4 })
  await on.order({ to: '*', fault: 'hang' })
  const since = Date.now()
  await eventually('Twilio to be out', async () => (await out('ill')) === 1, 20_000)
  t.comment(`a carrier that hangs was out ${Date.now() - since} ms after it began to`)
  const before = load.people.length
  await sleep(3_000)
  const meanwhile = load.people.slice(before, -2)
  await on.withdraw('*')
  await eventually('Twilio to be back', async () => (await out('ill')) === 0, 40_000)
  await on.order({ to: '*', fault: 'refuse', code: 20003 })
  await eventually('Twilio to be barred', async () => (await out('barred')) === 1, 40_000)
  await on.withdraw('*')
  await load.stop()

  const waits = meanwhile.flatMap(({ told }) => {
    const [asked, answered] = [told[0], told.find(({ what }) => what === 'answer')]
    return asked === undefined || answered === undefined ? [] : [answered.startedAt - asked.startedAt]
  })
  t.ok(waits.length > 0)
  t.comment(`${waits.length} people while it was out: the slowest had typed the code after ${Math.max(...waits)} ms`)
  t.same(load.people.filter(({ session }) => session === undefined).length, 0, 'everyone got in')
  // Without the one who asked for three messages: the ledger knows phones, not messages.
  await checkInvariants(t, on, [...single, ...both, ...load.people])
})
