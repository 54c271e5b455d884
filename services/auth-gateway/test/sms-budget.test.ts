import { randomInt, randomUUID } from 'node:crypto'
import type { GuardMode } from '@latchkey/contracts/switch-record'
import { AppError } from '@latchkey/kit/app-error'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import type { SmsBudget } from '../src/abuse/sms-budget.js'
import { createResendChallenge } from '../src/flows/resend-challenge.js'
import { createStartChallenge } from '../src/flows/start-challenge.js'
import { createWithinBudget } from '../src/flows/within-budget.js'
import { createReadPhone } from '../src/phones/canonical-phone.js'
import { challengeHarness, hour, minute, numbers, policy } from './challenge-harness.js'

const read = createReadPhone({ countries: '*', testNumbers: new Map([['+919800000000', undefined]]) })

/** Ten thousand numbers nobody else in this run has, by their last four digits. */
function newRange() {
  const start = `+9198${String(randomInt(10 ** 4)).padStart(4, '0')}`
  return (n: number) => read(`${start}${String(n).padStart(4, '0')}`)
}

type Asker = Parameters<SmsBudget['take']>[1]

/** Somebody who asks: at an address, among those around it. */
const asker = ({ address = randomUUID(), subnet = randomUUID() }: { address?: string; subnet?: string } = {}) => ({
  requestId: 'test',
  guesser: address,
  subnet,
})
/** A whole network that asks from an address of its own each time. */
const network = () => {
  const subnet = randomUUID()
  return () => asker({ subnet })
}

/** One message to a number, whose code is answered or not: whether it went. */
async function message(
  budget: SmsBudget,
  phone: ReturnType<typeof read>,
  by: Asker,
  { answered = false } = {},
): Promise<boolean> {
  const { refused, counted } = await budget.take(phone, by)
  if (!refused && answered) budget.answered({ counted, sends: 1, to: phone.e164, purpose: 'sign_up' })
  return !refused
}

/** How many of so many went, a few at once. */
async function wentOf(count: number, send: (n: number) => Promise<boolean>, atOnce = 25): Promise<number> {
  let [next, went] = [0, 0]
  const one = async () => {
    for (let n = next++; n < count; n = next++) if (await send(n)) went += 1
  }
  await Promise.all(Array.from({ length: atOnce }, one))
  return went
}

t.test(
  'of a thousand pumped numbers a hundred get a message at most, and everybody honest among them gets in',
  async (t) => {
    const { guard } = await challengeHarness(t)
    const budget = guard()
    const range = newRange()
    const pumpers = Array.from({ length: 60 }, network)
    const pumped = (n: number) => message(budget, range(n), (pumpers[n % 60] ?? asker)())
    let gotIn = 0
    const went = await wentOf(1_000, async (n) => {
      if (n % 20 === 10 && (await message(budget, range(5_000 + n), asker(), { answered: true }))) gotIn += 1
      return pumped(n)
    })
    t.ok(went <= 100, `${went} to the pumper`)
    t.equal(gotIn, 50)
  },
)

t.test('whatever his networks, a range gives a pumper a hundred messages at most', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard()
  const range = newRange()
  t.ok((await wentOf(500, (n) => message(budget, range(n), asker()))) <= 96)
})

t.test('answers in a cut range open it to nobody but those who answer', async (t) => {
  const { guard, redis, keys } = await challengeHarness(t)
  const budget = guard()
  const range = newRange()
  const pumper = network()
  await wentOf(30, (n) => message(budget, range(n), pumper()))
  for (let n = 100; n < 200; n++) {
    const phone = range(n)
    const { refused, counted } = await budget.take(phone, asker())
    t.notOk(refused, `the ${n - 99}th`)
    budget.answered({ counted, sends: 1, to: phone.e164, purpose: 'sign_up' })
    const key = keys.answerers(keys.subject(`range:${phone.e164.slice(0, -4)}`))
    await eventually('his answer to be counted', async () => (await redis.zcard(key)) === n - 99)
  }
  t.equal(await message(budget, range(40), pumper()), false)
})

t.test('a flash crowd that answers loses nobody, on networks of their own or all on one', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard()
  const [range, campus, crowded] = [newRange(), asker(), newRange()]
  t.equal(await wentOf(400, (n) => message(budget, range(n), asker(), { answered: n % 3 > 0 })), 400)
  t.equal(await wentOf(400, (n) => message(budget, crowded(n), campus, { answered: n % 3 > 0 }), 10), 400)
})

t.test('who answers one in five to look honest gets 200 messages out of a thousand', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard()
  const range = newRange()
  const pumpers = Array.from({ length: 61 }, network)
  const went = await wentOf(1_000, (n) =>
    message(budget, range(n), (pumpers[n % 61] ?? asker)(), { answered: n % 5 === 0 }),
  )
  t.ok(went <= 200, `${went}`)
})

t.test('one person who answers again and again makes no room', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard()
  const [range, pumper] = [newRange(), network()]
  const went = await wentOf(
    200,
    (n) => message(budget, range(n % 2 === 0 ? 7_000 : n), pumper(), { answered: n % 2 === 0 }),
    1,
  )
  // Each of his answers gives back its own message, and the first of them two more.
  t.ok(went <= 60, `${went}`)
})

t.test('a slow dripper gets what grows back, however long he goes on', async (t) => {
  const { guard, clock } = await challengeHarness(t)
  const budget = guard()
  const [range, pumper] = [newRange(), network()]
  let went = 0
  for (let n = 0; n < 288; n++) {
    if (await message(budget, range(n), pumper())) went += 1
    clock.offsetMs += 5 * minute
  }
  t.ok(went <= 45, `${went} in a day`)
})

t.test(
  'a range that was cut is open again half a day later, or once those it was open for have answered',
  async (t) => {
    const { guard, clock } = await challengeHarness(t)
    const budget = guard()
    const [late, forgiven, by] = [newRange(), newRange(), network()]
    const taken = await Promise.all(Array.from({ length: 20 }, (_, n) => budget.take(forgiven(n), by())))
    await wentOf(25, (n) => message(budget, late(n), by()))
    for (const range of [late, forgiven]) t.equal(await message(budget, range(100), by()), false)
    taken.forEach(({ counted }, n) => budget.answered({ counted, sends: 1, to: forgiven(n).e164, purpose: 'sign_up' }))
    await eventually('their answers to count', () => message(budget, forgiven(101), by()))
    clock.offsetMs += 11 * hour
    t.equal(await message(budget, late(102), by()), false)
    clock.offsetMs += 2 * hour
    t.equal(await message(budget, late(103), by()), true)
  },
)

t.test('a resend counts like a send, and an answer gives all of them back', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard({ perRange: 4 })
  const [range, by] = [newRange(), asker()]
  const { counted } = await budget.take(range(1), by)
  const again = () => budget.again({ id: 'any', counted, country: 'IN' }, by)
  for (let n = 0; n < 3; n++) t.equal((await again()).refused, false)
  t.equal((await again()).refused, true, 'the fifth, of a range that was made for four')
  budget.answered({ counted, sends: 4, to: range(1).e164, purpose: 'sign_up' })
  await eventually('the range to be open', async () => !(await budget.take(range(2), by)).refused)
})

t.test('a resend that is refused spends neither a send nor a resend, and the code stays right', async (t) => {
  const { guard, store, code, clock } = await challengeHarness(t)
  const smsBudget = guard({ perRange: 1 })
  const withinBudget = createWithinBudget({ smsBudget })
  const caller = { ...asker(), face: 'v1', locale: 'en' }
  const queued: string[] = []
  const sms = {
    send: async ({ messageId }: { messageId: string }) => void queued.push(messageId),
    has: async () => true,
  }
  const start = createStartChallenge({ challenges: store, sms, newCode: () => code, nobodyBehind: (name) => name })
  const resend = createResendChallenge({
    refuseStopped: async () => undefined,
    challenges: store,
    sms,
    withinBudget,
    numbers,
  })
  const phone = newRange()(1)
  const wanted = {
    purpose: 'sign_up',
    policy,
    phone,
    identifier: phone.e164,
    says: 'code',
    addressShown: true,
  } as const
  const { id } = await withinBudget.first({ phone }, caller, (judged) => start({ ...wanted, judged }, caller))
  clock.offsetMs += minute
  for (let n = 0; n < 3; n++) await t.rejects(resend(id, caller, policy), { code: 'rate.limited' })
  t.equal(queued.length, 1)
  t.match(await store.read(id), { resendsLeft: policy.resends, messageId: queued[0] })
  t.match(await store.answer(id, code, 'v1'), { verdict: 'claimed', claim: { sends: 1, counted: /^open / } })
})

t.test(
  'a resend beside one that is refused waits for it, and adds no message that no budget was asked for',
  async (t) => {
    const { store, open, clock, withinBudget } = await challengeHarness(t)
    const caller = { ...asker(), face: 'v1', locale: 'en' }
    const { id } = await open()
    clock.offsetMs += minute
    const sent: string[] = []
    let letGo: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (letGo = resolve))
    let first: Promise<unknown> = Promise.resolve()
    const resend = createResendChallenge({
      refuseStopped: async () => undefined,
      challenges: store,
      sms: {
        send: async ({ messageId }) => void sent.push(messageId),
        // The neighbour has looked and found no job: now the first is refused, and taken back.
        async has() {
          letGo()
          await first
          return false
        },
      },
      withinBudget: {
        ...withinBudget,
        async again() {
          await opened
          throw new AppError('rate.limited')
        },
      },
      numbers,
    })
    first = t.rejects(resend(id, caller, policy), { code: 'rate.limited' })
    await eventually('it to be counted', async () => (await store.read(id))?.resendsLeft === policy.resends - 1)
    await t.rejects(resend(id, caller, policy), { code: 'rate.limited' })
    t.same(sent, [])
    t.match(await store.read(id), { resendsLeft: policy.resends })
  },
)

t.test('an address or a subnet whose messages go unanswered is refused, and nobody else', async (t) => {
  const { guard, clock } = await challengeHarness(t)
  const budget = guard()
  const by = asker()
  const anywhere = () => newRange()(1)
  t.equal(await wentOf(60, () => message(budget, anywhere(), by)), 40)
  t.equal(await wentOf(3, () => message(budget, anywhere(), asker({ subnet: by.subnet }))), 3, 'beside it')
  const crowd = network()
  t.equal(await wentOf(150, () => message(budget, anywhere(), crowd())), 120)
  t.equal(await message(budget, anywhere(), asker()), true)
  t.equal(await message(budget, anywhere(), { requestId: 'test' }), true, 'our own back ends are not counted')
  clock.offsetMs += hour
  t.equal(await wentOf(5, () => message(budget, anywhere(), by)), 1, 'it grows back')
})

t.test('a budget in money holds for the day, over all ranges, at the price of each country', async (t) => {
  const { guard, clock } = await challengeHarness(t)
  const budget = guard({ money: { prices: 'twilio IN 0.5 USD; twilio * 2.25 USD', budget: '10' } })
  const uk = () => read(`+4474001${String(randomInt(10 ** 5)).padStart(5, '0')}`)
  const india = () => newRange()(1)
  t.equal(await wentOf(2, () => message(budget, uk(), asker(), { answered: true })), 2)
  t.equal(await wentOf(20, () => message(budget, india(), asker())), 11, '4.5 and 5.5')
  t.match(await budget.metrics(), /latchkey_day_budget_spent\{currency="USD"\} 10\n/)
  t.equal(budget.said.at(-1)?.rules?.[0], 'budget')
  // Only forward, to the next day of UTC at the earliest.
  clock.offsetMs += 24 * hour
  t.equal(await message(budget, uk(), asker()), true)
})

t.test('what one rule refuses is given back by the others; what was not sent after all by all of them', async (t) => {
  const { guard, redis, keys } = await challengeHarness(t)
  const budget = guard({ perAddress: 1, money: { prices: 'twilio * 1 USD', budget: '1000' } })
  const [range, by] = [newRange(), asker()]
  const left = async (text: string) => Number((await redis.hget(keys.credit(keys.subject(text)), 'open')) ?? Number.NaN)
  const ofRange = () => left(`range:${range(1).e164.slice(0, -4)}`)
  const spent = async () => Number(await redis.hget(keys.spent(keys.subject('day budget')), 'spent'))
  t.equal(await message(budget, range(1), by), true)
  for (let n = 2; n < 12; n++) t.equal(await message(budget, range(n), by), false)
  await eventually('nothing but the first to be counted', async () => {
    return Math.round(await ofRange()) === 19 && (await spent()) === 1_000_000
  })
  const judged = await budget.take(range(1), asker({ subnet: by.subnet }))
  judged.giveBack()
  judged.giveBack()
  await eventually('the same', async () => Math.round(await ofRange()) === 19 && (await spent()) === 1_000_000)
  const asked = keys.unanswered(keys.subject(`range:${range(1).e164.slice(0, -4)}`))
  t.equal(await redis.hget(asked, by.subnet), '1', 'his first is unanswered all the same')
})

t.test('monitor refuses nobody, and counts whom it would have refused, by rule; off asks nobody', async (t) => {
  const { guard, redis, keys } = await challengeHarness(t)
  const watching = guard({ mode: 'monitor', perAddress: 10 })
  const [range, by, other] = [newRange(), asker(), newRange()]
  t.equal(await wentOf(200, (n) => message(watching, range(n), by)), 200)
  const count = async (rule: string) =>
    Number(
      new RegExp(`latchkey_sends_refused_total\\{rule="${rule}",mode="monitor"\\} (\\d+)`).exec(
        await watching.metrics(),
      )?.[1],
    )
  t.equal(await count('range'), 180)
  t.equal(await count('address'), 190)
  t.match(watching.said.at(-1), { msg: 'a message would be refused', rules: ['range', 'address'] })
  const off = guard({ mode: 'off' })
  t.equal(await wentOf(200, (n) => message(off, other(n), by)), 200)
  t.equal(await redis.exists(keys.credit(keys.subject(`range:${other(1).e164.slice(0, -4)}`))), 0)
})

t.test('where only the money is counted, resends are', async (t) => {
  const { guard } = await challengeHarness(t)
  const money = { prices: 'twilio * 1 USD', budget: '3' }
  const budget = guard({ modes: { ranges: 'off', networks: 'off' }, money })
  const by = asker()
  const { counted } = await budget.take(newRange()(1), by)
  const again = async () => (await budget.again({ id: 'any', counted, country: 'IN' }, by)).refused
  t.same([await again(), await again(), await again()], [false, false, true])
})

t.test(
  'a rule that is told to enforce under attack refuses at once, by what it counted while it only watched',
  async (t) => {
    const { guard } = await challengeHarness(t)
    const modes: { ranges: GuardMode } = { ranges: 'monitor' }
    const budget = guard({ mode: 'off', modes })
    const [range, pumper] = [newRange(), network()]
    const first = await budget.take(range(0), pumper())
    t.equal(await wentOf(200, (n) => message(budget, range(n + 1), pumper())), 200)
    modes.ranges = 'enforce'
    t.equal(await message(budget, range(300), pumper()), false)
    t.equal((await budget.again({ id: 'any', counted: first.counted, country: 'IN' }, pumper())).refused, true)
    modes.ranges = 'monitor'
    t.equal(await message(budget, range(301), pumper()), true)
  },
)

t.test('a test number is not judged', async (t) => {
  const { guard } = await challengeHarness(t)
  const budget = guard({ perAddress: 1 })
  const by = asker()
  t.equal(await wentOf(50, () => message(budget, read('+919800000000'), by)), 50)
})
