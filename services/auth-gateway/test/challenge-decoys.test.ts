import t from 'tap'
import { addressOfPhone } from '../src/flows/addresses.js'
import { createChooseChallenge } from '../src/flows/choose-challenge.js'
import type { Client } from '../src/flows/ports.js'
import {
  challengeHarness,
  facePolicy,
  minute,
  neighbourOf,
  numbers,
  randomClient,
  randomPhone,
  second,
} from './challenge-harness.js'

const times = <T>(count: number, call: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)))

t.test('a decoy counts down like a live challenge: wrong, exhausted, resent, sent anew, limited', async (t) => {
  const { store, foundBy, wrongCode, clock } = await challengeHarness(t)
  /** What a client hears of five guesses, a send half way, five more, and a new challenge. */
  async function story(live: boolean) {
    clock.offsetMs = 0
    const client = randomClient()
    const phone = randomPhone()
    const wish = foundBy(client, { phone, ...(!live && { message: { kind: 'decoy' } }) })
    const { address } = wish.found
    const heard: unknown[] = []
    const hear = ({ verdict, ...rest }: { verdict: string; attemptsLeft?: number }) =>
      heard.push(rest.attemptsLeft === undefined ? verdict : `${verdict} ${rest.attemptsLeft}`)
    const find = async () =>
      live ? (await store.candidates(address, client))[0]?.id : await store.decoy(address, client, facePolicy)
    const guess = async () => hear(await store.answer((await find()) ?? '', wrongCode, 'staged', { client }))
    const found = live ? undefined : { typed: { identifier: phone, limited: true }, known: false }
    const resend = async () => hear(await store.resend((await find()) ?? '', 'staged', facePolicy, numbers, found))

    hear(await store.open(wish))
    await guess()
    await resend()
    clock.offsetMs = 30 * second
    await resend()
    await guess()
    await resend()
    for (let n = 0; n < 3; n++) await guess()
    for (let round = 0; round < 3; round++) {
      clock.offsetMs += 31 * second
      hear(await store.open(wish))
      for (let n = 0; n < 4; n++) await guess()
    }
    return heard
  }
  const [live, decoy] = [await story(true), await story(false)]
  t.same(decoy, live)
  t.same(live.slice(0, 9), [
    'opened',
    'wrong 2',
    'cooling',
    'resent',
    'wrong 1',
    'cooling',
    'wrong 0',
    'exhausted',
    'exhausted',
  ])
  t.equal(live.at(-1), 'limited')
})

t.test('fifty first answers at once open one decoy', async (t) => {
  const { store, foundBy, code } = await challengeHarness(t)
  const client = randomClient()
  const { address } = foundBy(client).found
  const guess = async () =>
    store.answer(await store.decoy(address, neighbourOf(client), facePolicy), code, 'staged', { client })
  const answers = (await times(50, async () => [await guess(), await guess()])).flat()
  const left = answers.flatMap((answer) => (answer.verdict === 'wrong' ? [answer.attemptsLeft] : []))
  t.same(left.sort(), [0, 1, 2])
  t.equal(answers.filter(({ verdict }) => verdict === 'exhausted').length, 97)
})

t.test('a decoy that an answer opened costs no send, and the owner of the phone no answer', async (t) => {
  const { store, foundBy, wrongCode, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const wish = foundBy(randomClient(), { phone })
  for (const client of await times(4, async () => randomClient())) {
    const id = await store.decoy(wish.found.address, client, facePolicy)
    await times(3, () => store.answer(id, wrongCode, 'staged', { client }))
  }
  const subject = keys.subject(phone)
  t.equal(await redis.exists(keys.wrong(subject), keys.sends(subject), keys.ladder(subject, 'sign_up')), 0)
  t.same(await store.candidates(wish.found.address, randomClient()), [], 'it is no candidate')
  t.match(await store.open(wish), { verdict: 'opened' }, 'there is no cooldown')
})

t.test('each network has its own decoy, found until it is exhausted or expires', async (t) => {
  const { store, foundBy, wrongCode, clock } = await challengeHarness(t)
  const [one, other] = [randomClient(), randomClient()]
  const { address } = foundBy(one).found
  t.equal((await store.sendable(address, one)).decoy, undefined)
  const id = await store.decoy(address, one, facePolicy)
  t.equal((await store.sendable(address, neighbourOf(one))).decoy, id)
  t.equal((await store.sendable(address, other)).decoy, undefined)
  await times(3, () => store.answer(id, wrongCode, 'staged', { client: one }))
  t.equal((await store.sendable(address, one)).decoy, undefined)
  t.same(await store.answer(await store.decoy(address, one, facePolicy), wrongCode, 'staged', { client: one }), {
    verdict: 'exhausted',
  })
  clock.offsetMs = 5 * minute
  t.match(await store.answer(await store.decoy(address, one, facePolicy), wrongCode, 'staged', { client: one }), {
    verdict: 'wrong',
    attemptsLeft: 2,
  })
})

t.test('the decoy of an account is one for all networks, and its first send is a new one', async (t) => {
  const { store, foundBy, wrongCode } = await challengeHarness(t)
  const [one, other] = [randomClient(), randomClient()]
  const phone = randomPhone()
  const address = addressOfPhone('staged', 'sign_in', phone)
  const wish = foundBy(one, { phone, purpose: 'sign_in', message: { kind: 'decoy' } })
  const guess = async (client: Client) =>
    store.answer(await store.decoy(address, client, facePolicy), wrongCode, 'staged', { client })
  t.match(await guess(one), { attemptsLeft: 2 })
  t.equal((await store.sendable(address, one)).decoy, undefined, 'nobody has sent it')
  const opened = await store.open({ ...wish, found: { address, client: one } })
  t.match(opened, { verdict: 'opened' })
  t.match(await guess(one), { attemptsLeft: 2 })
  t.match(await guess(other), { attemptsLeft: 2 })
  t.equal(
    (await store.sendable(address, other)).decoy,
    (await store.sendable(address, one)).decoy,
    'and it is sent again to both',
  )
  for (const client of [one, one, other, other]) await guess(client)
  for (const client of await times(3, async () => randomClient())) await guess(client)
  t.match(await guess(randomClient()), { verdict: 'exhausted' }, 'the ninth ends it for all, as it does a live one')
})

t.test(
  'an account has one challenge, as it has one decoy: sent anew by another client it replaces the older',
  async (t) => {
    const { store, foundBy, wrongCode, clock } = await challengeHarness(t)
    for (const purpose of ['sign_in', 'reset_password'] as const) {
      /** What two programs of one network, and then another network, hear of a code that the first has exhausted. */
      async function story(live: boolean) {
        clock.offsetMs = 0
        const one = randomClient()
        const clients = [one, neighbourOf(one), randomClient()]
        const phone = randomPhone()
        const address = addressOfPhone('staged', purpose, phone)
        const heard: unknown[] = []
        const choose = createChooseChallenge(store)
        for (const client of clients) {
          const wish = foundBy(client, { phone, purpose, ...(!live && { message: { kind: 'decoy' } }) })
          heard.push((await store.open({ ...wish, found: { address, client } })).verdict)
          clock.offsetMs += 61 * second
          // The first asks after his own, too.
          for (const who of [one, client, client]) {
            const caller = { client: who, face: 'staged', requestId: 'test', locale: 'en' } as const
            const id = live ? (await choose(address, caller))?.id : await store.decoy(address, who, facePolicy)
            const { verdict, ...rest } = await store.answer(id ?? '', wrongCode, 'staged', { client: who })
            heard.push([verdict, 'attemptsLeft' in rest ? rest.attemptsLeft : undefined])
          }
          if (live) t.equal((await store.candidates(address, one)).length, 1)
        }
        return heard
      }
      const [live, decoy] = [await story(true), await story(false)]
      t.same(decoy, live, purpose)
      t.same(live.slice(4, 6), ['opened', ['wrong', 2]])
    }
  },
)

t.test('the first send of a decoy that an answer opened is no resend, and spends what was typed', async (t) => {
  const { store, foundBy, wanted, wrongCode, clock } = await challengeHarness(t)
  const client = randomClient()
  const phone = randomPhone()
  const { address } = foundBy(client, { phone }).found
  const id = await store.decoy(address, client, facePolicy)
  await store.answer(id, wrongCode, 'staged', { client })
  const found = { typed: { identifier: phone, limited: true }, known: false }
  const send = () => store.resend(id, 'staged', facePolicy, numbers, found)
  t.match(await send(), { verdict: 'resent', challenge: { sent: true, resendsLeft: facePolicy.resends } })
  t.match(await send(), { verdict: 'cooling', challenge: { sent: true } })
  t.match(await store.open(wanted({ phone })), { verdict: 'cooling' }, 'the phone cools down as if a code were there')
  clock.offsetMs = 30 * second
  t.match(await send(), { verdict: 'resent', challenge: { resendsLeft: facePolicy.resends - 1 } })
  t.match(await store.answer(id, wrongCode, 'staged', { client }), { verdict: 'wrong', attemptsLeft: 1 })
})

t.test('a decoy that was sent keeps its place, counts anew, and is taken back with its send', async (t) => {
  const { store, foundBy, wrongCode, redis, keys } = await challengeHarness(t)
  const client: Client = randomClient()
  const phone = randomPhone()
  const wish = foundBy(client, { phone, message: { kind: 'decoy' } })
  const { address } = wish.found
  const id = await store.decoy(address, client, facePolicy)
  await times(3, () => store.answer(id, wrongCode, 'staged', { client }))
  const opened = await store.open(wish)
  if (opened.verdict !== 'opened') throw new Error(opened.verdict)
  t.equal((await store.sendable(address, client)).decoy, opened.challenge.id)
  t.match(await store.answer(opened.challenge.id, wrongCode, 'staged', { client }), {
    verdict: 'wrong',
    attemptsLeft: 2,
  })
  t.match(await store.open(wish), { verdict: 'cooling', retryAt: opened.challenge.resendAt })
  await store.cancel(opened.challenge, wish, { refund: true })
  t.equal(await redis.zcard(keys.sends(keys.subject(phone))), 0)
  t.equal((await store.sendable(address, client)).decoy, undefined)
})

t.test(
  'wrong answers to the decoy of a send count for what was typed, and meet its limit, as those to a live code do',
  async (t) => {
    for (const live of [true, false]) {
      const { store, open, foundBy, wrongCode, clock } = await challengeHarness(t)
      const [phone, client] = [randomPhone(), randomClient()]
      const wish = foundBy(client, { phone, ...(!live && { message: { kind: 'decoy' } }) })
      const { address } = wish.found
      const find = async () =>
        live ? (await store.candidates(address, client))[0]?.id : await store.decoy(address, client, facePolicy)
      const guess = async () => store.answer((await find()) ?? '', wrongCode, 'staged', { client })
      const what = live ? 'a live code' : 'a decoy'
      const first = await open({ phone, purpose: 'sign_in' })
      for (let turn = 0; turn < 4; turn++) await store.answer(first.id, wrongCode, 'v1')
      await store.open(wish)
      for (let turn = 0; turn < 3; turn++) await guess()
      t.same(await guess(), { verdict: 'exhausted' }, what)
      const next = await open({ phone, purpose: 'reset_password' })
      for (let turn = 0; turn < 3; turn++) await store.answer(next.id, wrongCode, 'v1')
      t.match(await store.answer(next.id, wrongCode, 'v1'), { verdict: 'limited' }, `${what}: ten on all faces`)
      clock.offsetMs = 31 * second
      await store.open(wish)
      t.match(await guess(), { verdict: 'limited', budget: 'phone' }, `${what}: here too`)
    }
  },
)
