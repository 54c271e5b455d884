import { randomUUID } from 'node:crypto'
import { freePort } from '@latchkey/kit/testing'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { guessesInCallersTime, inCallersTime } from '../src/challenges/callers-time.js'
import { addressOfPhone } from '../src/flows/addresses.js'
import { createAnswerByAddress } from '../src/flows/answer-by-address.js'
import { createAnswerChallenge } from '../src/flows/answer-challenge.js'
import { createChooseChallenge } from '../src/flows/choose-challenge.js'
import { createGuessPassword } from '../src/flows/guess-password.js'
import { createIsKnown } from '../src/flows/known-devices.js'
import { createUsersClient } from '../src/users-client.js'
import { challengeHarness, facePolicy, hour, minute, randomClient, randomPhone } from './challenge-harness.js'

/** The flow on the real store; users is asked by none of these. */
async function answering(t: Test) {
  const harness = await challengeHarness(t)
  const offsetMs = () => harness.clock.offsetMs
  const challenges = inCallersTime(harness.store, offsetMs)
  const guesses = guessesInCallersTime(harness.guesses, offsetMs)
  const log = pino({ level: 'silent' })
  const url = `http://127.0.0.1:${await freePort()}`
  const users = createUsersClient({ url, secret: 'test', timeoutMs: 300, log, metrics: new Registry() })
  t.teardown(() => users.close())
  const sms = { send: async () => undefined }
  const isKnown = createIsKnown({ users })
  const { smsBudget } = harness
  const guessPassword = createGuessPassword({ guesses })
  const answerByAddress = createAnswerByAddress({
    challenges,
    guesses,
    chooseChallenge: createChooseChallenge(challenges),
    answerChallenge: createAnswerChallenge({ challenges, users, sms, guesses, smsBudget, isKnown, guessPassword }),
  })
  const caller = () => {
    const client = randomClient()
    return { requestId: 'test', face: 'staged', locale: 'en', client, guesser: client.network }
  }
  const spend = (network: string) => Promise.all(Array.from({ length: 300 }, () => harness.guesses.answer(network)))
  return { ...harness, challenges, guesses, answerByAddress, caller, spend }
}

const refusal = (answer: Promise<unknown>) =>
  answer.then(
    () => undefined,
    (error: { code: string; members: { retryAt?: Date; attemptsLeft?: number } }) => error,
  )

t.test(
  'a network that may guess no more makes no decoys, and is refused for who is there as for who is not',
  async (t) => {
    const { answerByAddress, caller, spend, foundBy, store, wrongCode } = await answering(t)
    const by = caller()
    const wish = foundBy(by.client)
    await store.open(wish)
    await spend(by.client.network)
    const address = addressOfPhone('staged', 'sign_up', randomPhone())
    for (const one of [wish.found.address, address])
      t.match(await refusal(answerByAddress({ address: one, code: wrongCode }, by, facePolicy)), {
        code: 'rate.limited',
      })
    t.equal((await store.sendable(address, by.client)).decoy, undefined)
    const another = caller()
    t.match(await refusal(answerByAddress({ address, code: wrongCode }, another, facePolicy)), {
      code: 'challenge.wrong',
    })
    t.ok((await store.sendable(address, another.client)).decoy)
  },
)

t.test('a decoy that an answer opened is small, and gone when its code would be', async (t) => {
  const { answerByAddress, caller, store, redis, keys, wrongCode } = await answering(t)
  const by = caller()
  const address = addressOfPhone('staged', 'sign_up', randomPhone())
  await refusal(answerByAddress({ address, code: wrongCode }, by, facePolicy))
  const { decoy = '' } = await store.sendable(address, by.client)
  const bytes = Number(await redis.memory('USAGE', keys.challenge(decoy)))
  const leftMs = await redis.pttl(keys.challenge(decoy))
  t.comment(`${bytes} bytes for ${facePolicy.codeLifeSeconds} s`)
  t.ok(bytes < 2_500, `${bytes} bytes`)
  t.ok(leftMs > 0 && leftMs <= facePolicy.codeLifeSeconds * 1_000, `${leftMs} ms`)
})

t.test(
  'whoever is refused is told when to come again by his own clock, however far that of challenges was moved',
  async (t) => {
    const { answerByAddress, caller, spend, challenges, guesses, clock, open, wanted, wrongCode } = await answering(t)
    clock.offsetMs = 30 * 24 * hour
    const by = caller()
    await spend(by.client.network)
    const address = addressOfPhone('staged', 'sign_up', randomPhone())
    const refused = await refusal(answerByAddress({ address, code: wrongCode }, by, facePolicy))
    const phone = randomPhone()
    const { id } = await open({ phone })
    const count = () => guesses.answer(by.client.network)
    const account = randomUUID()
    for (let turn = 0; turn < 20; turn++) await guesses.password(account, { known: true, network: undefined })
    const told = {
      'an answer by an address': refused?.members.retryAt,
      'an answer by id': await challenges.answer(id, wrongCode, 'v1', { count }),
      'a password': await guesses.password(account, { known: true, network: undefined }),
      'a password, of the network': await guesses.password(account, { known: false, network: by.client.network }),
      'a send': await challenges.open(wanted({ phone })),
    }
    for (const [what, verdict] of Object.entries(told)) {
      const retryAt =
        verdict instanceof Date ? verdict : verdict !== undefined && 'retryAt' in verdict && verdict.retryAt
      const waitMs = retryAt ? retryAt.getTime() - Date.now() : Number.NaN
      t.ok(waitMs > 0 && waitMs <= hour + minute, `${what}: ${waitMs} ms`)
    }
  },
)

t.test('what is answered to one decoy limits no other, as it would limit no live code', async (t) => {
  const { store, foundBy, wrongCode } = await challengeHarness(t)
  const phone = randomPhone()
  for (const purpose of ['sign_up', 'verify_phone'] as const)
    for (const client of Array.from({ length: 4 }, randomClient)) {
      const id = await store.decoy(addressOfPhone('staged', purpose, phone), client, facePolicy)
      for (let turn = 0; turn < 3; turn++) await store.answer(id, wrongCode, 'staged', { client })
    }
  const client = randomClient()
  const address = addressOfPhone('staged', 'sign_in', phone)
  const wish = foundBy(client, { phone, purpose: 'sign_in', message: { kind: 'decoy' } })
  t.match(await store.open({ ...wish, found: { address, client } }), { verdict: 'opened' })
  const id = await store.decoy(address, client, facePolicy)
  t.match(await store.answer(id, wrongCode, 'staged', { client }), { verdict: 'wrong', attemptsLeft: 2 })
})
