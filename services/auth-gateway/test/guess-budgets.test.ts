import { randomUUID } from 'node:crypto'
import { AppError } from '@latchkey/kit/app-error'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import type { Counted } from '../src/challenges/challenge.js'
import { createGuessPassword } from '../src/flows/guess-password.js'
import { challengeHarness, hour, minute, randomPhone, second } from './challenge-harness.js'

const stranger = (network = randomUUID()) => ({ known: false, network })
const owner = (network = randomUUID()) => ({ known: true, network })
const verdicts = (all: readonly Counted[]) => ({
  counted: all.filter(({ verdict }) => verdict === 'counted').length,
  limited: all.filter(({ verdict }) => verdict === 'limited').length,
})
const times = <T>(count: number, work: () => Promise<T>) => Promise.all(Array.from({ length: count }, work))
const waitOf = (counted: Counted) => (counted.verdict === 'limited' ? counted.retryAt.getTime() - Date.now() : 0)

t.test('a hundred wrong passwords at once from a hundred networks: exactly twenty are compared', async (t) => {
  const { guesses } = await challengeHarness(t)
  const account = `phone:${randomUUID()}`
  t.same(verdicts(await times(100, () => guesses.password(account, stranger()))), { counted: 20, limited: 80 })
})

t.test('past the free ones each wrong password waits longer than the one before, for a day', async (t) => {
  const { guesses, clock } = await challengeHarness(t)
  const account = `phone:${randomUUID()}`
  const guess = () => guesses.password(account, stranger())
  await times(20, guess)
  for (const wait of [30, 60, 120, 120]) {
    const refused = await guess()
    t.ok(Math.abs(waitOf(refused) - clock.offsetMs - wait * second) < 5 * second, `${wait} s`)
    clock.offsetMs += wait * second + 1
    t.equal((await guess()).verdict, 'counted', 'then one more')
  }
  clock.offsetMs += 24 * hour + minute
  t.same(verdicts(await times(30, guess)), { counted: 20, limited: 10 })
})

t.test(
  'a known device guesses at its account when strangers have spent every guess, and has no more than they',
  async (t) => {
    const { guesses } = await challengeHarness(t)
    const account = `email:${randomUUID()}`
    await times(30, () => guesses.password(account, stranger()))
    t.same(verdicts(await times(30, () => guesses.password(account, owner()))), { counted: 20, limited: 10 })
  },
)

t.test(
  'wrong answers and wrong passwords of one network count together, over whatever accounts, and nobody else’s',
  async (t) => {
    const { guesses, clock } = await challengeHarness(t)
    const network = randomUUID()
    const password = () => guesses.password(`phone:${randomUUID()}`, stranger(network))
    await times(150, password)
    await times(149, () => guesses.answer(network))
    t.same(verdicts(await times(3, password)), { counted: 1, limited: 2 })
    const refused = await guesses.answer(network)
    t.ok(waitOf(refused) > 55 * minute && waitOf(refused) <= hour, 'for the hour')
    t.equal((await guesses.answer(randomUUID())).verdict, 'counted', 'another network goes on')
    t.equal((await guesses.password(`phone:${randomUUID()}`, owner(network))).verdict, 'counted', 'a known device too')
    t.equal((await guesses.answer(undefined)).verdict, 'counted', 'and who is exempt')
    clock.offsetMs += hour + minute
    t.equal((await password()).verdict, 'counted')
  },
)

t.test(
  'what is refused unread is no guess of its network: one who hammers at one account shuts out nobody beside him',
  async (t) => {
    const { guesses } = await challengeHarness(t)
    const [network, account] = [randomUUID(), `phone:${randomUUID()}`]
    for (let turn = 0; turn < 4; turn++) await times(100, () => guesses.password(account, stranger(network)))
    t.same(verdicts(await times(280, () => guesses.answer(network))), { counted: 280, limited: 0 })
  },
)

t.test('what could not be looked at for a failure of ours is no guess of its network', async (t) => {
  const { guesses, keys, redis, store, open, wrongCode } = await challengeHarness(t)
  const [network, account, phone] = [randomUUID(), `phone:${randomUUID()}`, randomPhone()]
  const { id } = await open({ phone })
  // A store that fails at one key, and at no other.
  for (const broken of [keys.guesses(keys.subject(`account:${account}`)), keys.wrong(keys.subject(phone))])
    await redis.set(broken, 'no list of guesses')
  const counted = () => redis.zcard(keys.guesses(keys.subject(`network:${network}`)))
  await t.rejects(guesses.password(account, stranger(network)))
  await eventually('the password to be given back', async () => (await counted()) === 0)
  let asked = 0
  const count = async () => {
    asked++
    return guesses.answer(network)
  }
  await t.rejects(store.answer(id, wrongCode, 'v1', { count }))
  t.equal(asked, 1)
  await eventually('the answer to be given back', async () => (await counted()) === 0)
})

t.test('a right password takes back its own count and no other; a failure of ours too', async (t) => {
  const { guesses } = await challengeHarness(t)
  const guessPassword = createGuessPassword({ guesses })
  const account = { account: `phone:${randomUUID()}`, known: false }
  const caller = { requestId: 'test', face: 'v1', locale: 'en', guesser: randomUUID() }
  const guess = (error?: 'credentials.wrong' | 'unavailable' | 'account.disabled') =>
    guessPassword(account, caller, async () => {
      if (error !== undefined) throw new AppError(error)
    }).then(
      () => 'right',
      ({ code }: AppError) => code,
    )
  for (let turn = 0; turn < 19; turn++) t.equal(await guess('credentials.wrong'), 'credentials.wrong')
  for (let turn = 0; turn < 5; turn++) t.equal(await guess(), 'right', 'however often')
  for (const error of ['unavailable', 'account.disabled'] as const) t.equal(await guess(error), error)
  t.equal(await guess('credentials.wrong'), 'credentials.wrong', 'the twentieth')
  t.equal(await guess(), 'rate.limited', 'no success refunded a wrong one')
})
