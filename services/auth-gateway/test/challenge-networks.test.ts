import t from 'tap'
import type { Answered } from '../src/challenges/challenge.js'
import {
  challengeHarness,
  facePolicy,
  neighbourOf,
  numbers,
  policy,
  randomClient,
  second,
} from './challenge-harness.js'

const times = <T>(count: number, call: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)))
const left = (answers: readonly Answered[]) =>
  answers.flatMap((answer) => (answer.verdict === 'wrong' ? [answer.attemptsLeft] : [])).sort()
const count = (answers: readonly Answered[], verdict: Answered['verdict']) =>
  answers.filter((answer) => answer.verdict === verdict).length

t.test('a hundred wrong answers at once from one network: exactly three are compared and counted', async (t) => {
  const { store, openFound, wrongCode, redis, keys } = await challengeHarness(t)
  const client = randomClient()
  const { id, address } = await openFound(client)
  const answers = await times(100, (n) =>
    store.answer(id, wrongCode, 'staged', { client: n % 2 ? client : neighbourOf(client) }),
  )
  t.same(left(answers), [0, 1, 2])
  t.equal(count(answers, 'exhausted'), 97)
  t.equal(await redis.hget(keys.challenge(id), 'wrong'), '3', 'what was not compared was not counted for anybody')
  t.match(await store.candidates(address, client), [{ id, state: 'exhausted' }])
  t.match(await store.candidates(address, randomClient()), [{ id, state: 'live' }])
})

t.test('the last wrong answer of a network ends the code for that network only', async (t) => {
  const { store, openFound, wrongCode, code } = await challengeHarness(t)
  const [client, other] = [randomClient(), randomClient()]
  const { id } = await openFound(client)
  await times(3, () => store.answer(id, wrongCode, 'staged', { client }))
  t.same(await store.answer(id, code, 'staged', { client }), { verdict: 'exhausted' }, 'though it is right')
  t.match(await store.answer(id, code, 'staged', { client: other }), { verdict: 'claimed' })
})

t.test('ten wrong answers at once from each of nine networks: nine are compared, then it ends for all', async (t) => {
  const { store, openFound, wrongCode, code, redis, keys } = await challengeHarness(t)
  const { id, address } = await openFound(randomClient())
  const networks = await times(9, async () => randomClient())
  const answers = (
    await Promise.all(
      networks.map((network) => times(10, () => store.answer(id, wrongCode, 'staged', { client: network }))),
    )
  ).flat()
  t.equal(count(answers, 'wrong'), 9)
  t.equal(count(answers, 'exhausted'), 81)
  t.same(await store.answer(id, code, 'staged', { client: randomClient() }), { verdict: 'exhausted' })
  t.match(await store.candidates(address, randomClient()), [{ id, state: 'exhausted' }], 'it stays a candidate')
  const kept = await redis.hgetall(keys.challenge(id))
  t.notOk(kept['mac'] ?? kept['box'] ?? kept['pending'] ?? kept['subject'], 'without code, phone or pending data')
  t.ok(Object.keys(kept).filter((field) => field.startsWith('wrong:')).length <= 9)
})

t.test('what is left is the smaller of what the network and everybody has left', async (t) => {
  const { store, openFound, wrongCode } = await challengeHarness(t)
  const { id } = await openFound(randomClient())
  const guess = async (client = randomClient()) => left([await store.answer(id, wrongCode, 'staged', { client })])[0]
  const [first, next] = [randomClient(), randomClient()]
  t.same([await guess(first), await guess(first), await guess(first)], [2, 1, 0])
  t.same([await guess(), await guess(), await guess()], [2, 2, 2])
  t.same([await guess(next), await guess(next)], [2, 1])
  t.equal(await guess(), 0, 'the ninth from anywhere is the last')
})

t.test('a right answer that is released costs its network nothing', async (t) => {
  const { store, openFound, wrongCode, code } = await challengeHarness(t)
  const client = randomClient()
  const { id } = await openFound(client)
  await store.answer(id, wrongCode, 'staged', { client })
  const answered = await store.answer(id, code, 'staged', { client })
  if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
  await store.release(answered.claim)
  t.same(await store.answer(id, wrongCode, 'staged', { client }), { verdict: 'wrong', attemptsLeft: 1 })
})

t.test('a resend refunds a network nothing, and a new code neither', async (t) => {
  const { store, openFound, wrongCode, clock } = await challengeHarness(t)
  const client = randomClient()
  const { id } = await openFound(client)
  await times(2, () => store.answer(id, wrongCode, 'staged', { client }))
  clock.offsetMs = 200 * second
  t.match(await store.resend(id, 'staged', facePolicy, numbers), { verdict: 'resent', challenge: { generation: 2 } })
  t.same(await store.answer(id, wrongCode, 'staged', { client }), { verdict: 'wrong', attemptsLeft: 0 })
  t.same(await store.answer(id, wrongCode, 'staged', { client }), { verdict: 'exhausted' })
})

t.test(
  'a face that tells nobody apart keeps no field of a network, and its exhausted codes are gone like any',
  async (t) => {
    const { store, open, wrongCode, redis, keys } = await challengeHarness(t)
    const { id } = await open()
    await times(policy.attempts, () => store.answer(id, wrongCode, 'v1'))
    t.same(await store.answer(id, wrongCode, 'v1'), { verdict: 'gone' })
    const fields = await redis.hkeys(keys.challenge(id))
    t.same(
      fields.filter((field) => /^wrong:|found|unsent|PerClient/.test(field)),
      [],
    )
  },
)
