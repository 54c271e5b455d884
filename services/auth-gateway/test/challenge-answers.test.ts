import t from 'tap'
import { challengeHarness, numbers, minute, policy, randomPhone, second } from './challenge-harness.js'

const times = <T>(count: number, call: (n: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, n) => call(n)))

t.test('two hundred wrong answers at once: exactly five are compared, and each count is told once', async (t) => {
  const { store, open, wrongCode } = await challengeHarness(t)
  const { id } = await open()
  const answers = await times(200, () => store.answer(id, wrongCode, 'v1'))
  const left = answers.flatMap((answer) => (answer.verdict === 'wrong' ? [answer.attemptsLeft] : []))
  t.same(left.sort(), [0, 1, 2, 3, 4])
  t.equal(answers.filter(({ verdict }) => verdict === 'gone').length, 195)
})

t.test('the code is dead after the last wrong answer, though it is right', async (t) => {
  const { store, open, wrongCode, code } = await challengeHarness(t)
  const { id } = await open()
  for (let n = 0; n < policy.attempts; n++) await store.answer(id, wrongCode, 'v1')
  t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
})

t.test(
  'two hundred right answers at once: one claims the code, the others are neither compared nor counted',
  async (t) => {
    const { store, open, code } = await challengeHarness(t)
    const { id } = await open()
    const answers = await times(200, () => store.answer(id, code, 'v1'))
    t.equal(answers.filter(({ verdict }) => verdict === 'claimed').length, 1)
    t.equal(answers.filter(({ verdict }) => verdict === 'held').length, 199)
    t.match(await store.read(id), { attemptsLeft: policy.attempts })
  },
)

t.test(
  'a claim tells purpose, phone and pending data from the challenge; settled, the code is gone and a tombstone stays',
  async (t) => {
    const { store, open, code, redis, keys } = await challengeHarness(t)
    const phone = randomPhone()
    const { id } = await open({ phone, pending: { name: 'Asha' } })
    const answered = await store.answer(id, code, 'v1')
    if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
    t.match(answered.claim, { id, purpose: 'sign_up', face: 'v1', to: phone, pending: { name: 'Asha' } })

    await store.settle(answered.claim)
    t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
    t.match(await store.read(id), { id, purpose: 'sign_up', attemptsLeft: 0, resendsLeft: 0 }, 'nothing is left to try')
    const left = await redis.hgetall(keys.challenge(id))
    t.equal(left['state'], 'used')
    t.notOk(left['mac'] ?? left['box'] ?? left['pending'] ?? left['subject'], 'no code, no phone, no pending data')
  },
)

t.test('a released claim gives the code back, and costs its bearer no answer', async (t) => {
  const { store, open, code, wrongCode } = await challengeHarness(t)
  const { id } = await open()
  await store.answer(id, wrongCode, 'v1')
  const first = await store.answer(id, code, 'v1')
  if (first.verdict !== 'claimed') throw new Error(first.verdict)
  await store.release(first.claim)
  t.match(await store.read(id), { attemptsLeft: policy.attempts - 1 })
  t.match(await store.answer(id, code, 'v1'), { verdict: 'claimed' })
})

t.test('only its owner can release a claim', async (t) => {
  const { store, open, code, clock } = await challengeHarness(t)
  const { id } = await open()
  const first = await store.answer(id, code, 'v1')
  if (first.verdict !== 'claimed') throw new Error(first.verdict)
  clock.offsetMs += 6 * second
  t.match(await store.answer(id, code, 'v1'), { verdict: 'claimed' }, 'the lease ran out, another bearer has it')
  await store.release(first.claim)
  t.same(await store.answer(id, code, 'v1'), { verdict: 'held' })
})

t.test(
  'whoever claims after a claim that ran out is told so, after a release too; after a mere release nobody is',
  async (t) => {
    const { store, open, code, clock } = await challengeHarness(t)
    const { id } = await open()
    const claim = async () => {
      const answered = await store.answer(id, code, 'v1')
      if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
      return answered.claim
    }
    const first = await claim()
    await store.release(first)
    const again = await claim()
    clock.offsetMs += 6 * second
    const third = await claim()
    await store.release(third)
    const fourth = await claim()
    t.same(
      [first, again, third, fourth].map(({ lapsed }) => lapsed),
      [false, false, true, true],
    )
  },
)

t.test('an expired code is gone, and readable until fifteen minutes after its end', async (t) => {
  const { store, open, code, clock } = await challengeHarness(t)
  const { id } = await open()
  clock.offsetMs = 5 * minute
  t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
  t.match(await store.read(id), { expired: true })
  clock.offsetMs = 21 * minute
  t.equal(await store.read(id), undefined)
})

t.test('an answer that meets a new code on its way is compared with that one, and counted once', async (t) => {
  const { store, open, clock, code } = await challengeHarness(t)
  const { id } = await open()
  // A new generation of the same digits, as a test number has them: were it compared with the old one, it would be wrong.
  const sameCode = { ...numbers, codeFor: () => code }
  const rotate = { ...policy, resend: 'rotate' } as const
  for (let n = 1; n <= 2; n++) {
    clock.offsetMs += minute
    // Both read before either writes, and the resend writes first.
    const [resent, answered] = await Promise.all([
      store.resend(id, 'v1', rotate, sameCode),
      store.answer(id, code, 'v1'),
    ])
    t.match(resent, { verdict: 'resent', challenge: { generation: n + 1 } })
    if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
    await store.release(answered.claim)
    t.match(await store.read(id), { attemptsLeft: policy.attempts })
  }
})

t.test('a challenge of one face is gone for another', async (t) => {
  const { store, open, code } = await challengeHarness(t)
  const { id } = await open()
  t.same(await store.answer(id, code, 'rently'), { verdict: 'gone' })
  t.same(await store.resend(id, 'rently', policy, numbers), { verdict: 'gone' })
  t.match(await store.answer(id, code, 'v1'), { verdict: 'claimed' })
})

t.test('wrong answers are counted per phone over challenges and purposes: ten an hour', async (t) => {
  const { store, open, code, wrongCode, clock } = await challengeHarness(t)
  const phone = randomPhone()
  const exhaust = async (purpose: 'sign_up' | 'sign_in') => {
    const { id } = await open({ phone, purpose })
    await times(policy.attempts, () => store.answer(id, wrongCode, 'v1'))
  }
  await exhaust('sign_up')
  await exhaust('sign_in')
  const { id } = await open({ phone, purpose: 'reset_password' })
  const refused = await store.answer(id, code, 'v1')
  t.match(refused, { verdict: 'limited' }, 'not even the right code is looked at')
  t.match(await store.read(id), { attemptsLeft: policy.attempts }, 'and the try is not counted')

  clock.offsetMs = 61 * minute
  const later = await open({ phone, purpose: 'reset_password' })
  t.match(await store.answer(later.id, code, 'v1'), { verdict: 'claimed' })
})

t.test('a success takes no wrong answer back from the phone', async (t) => {
  const { store, open, code, wrongCode, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const { id } = await open({ phone })
  await store.answer(id, wrongCode, 'v1')
  const answered = await store.answer(id, code, 'v1')
  if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
  await store.settle(answered.claim)
  t.equal(await redis.zcard(keys.wrong(keys.subject(phone))), 1)
})

t.test('a decoy counts down like a live challenge, and no code opens it', async (t) => {
  const { store, open, code } = await challengeHarness(t)
  const { id } = await open({ purpose: 'sign_in', message: { kind: 'decoy' } })
  const left = []
  for (let n = 0; n < policy.attempts; n++) left.push(await store.answer(id, code, 'v1'))
  t.same(
    left,
    [4, 3, 2, 1, 0].map((attemptsLeft) => ({ verdict: 'wrong', attemptsLeft })),
  )
  t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
})

t.test('nothing in Redis tells the code, the phone or the pending data', async (t) => {
  const { open, redis, keys, code } = await challengeHarness(t)
  const phone = randomPhone()
  const mark = 'pending-canary'
  const { id } = await open({ phone, pending: { mark } })
  const all =
    JSON.stringify(await redis.hgetall(keys.challenge(id))) +
    [keys.sends(keys.subject(phone)), keys.wrong(keys.subject(phone))].join()
  for (const secret of [phone.slice(1), phone.slice(3), mark]) t.notMatch(all, secret)
  t.notMatch(all, new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`))
})

t.test('all keys of one phone stand in one slot, and its ids share nothing one can see', async (t) => {
  const { open, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const ids = (
    await Promise.all((['sign_up', 'sign_in', 'reset_password'] as const).map((purpose) => open({ phone, purpose })))
  ).map(({ id }) => id)
  const tag = (text: string) => /\{(.+)\}/.exec(text)?.[1]
  const tags = ids.flatMap((id) =>
    [
      keys.challenge(id),
      keys.sends(keys.subject(phone)),
      keys.ladder(keys.subject(phone), 'sign_up'),
      keys.wrong(keys.subject(phone)),
      keys.notice(keys.subject(phone)),
    ].map(tag),
  )
  t.equal(new Set(tags).size, 1)
  const prefixes = new Set<string>()
  for (let n = 0; n < 64; n++) prefixes.add(keys.newId(keys.subject(phone)).slice(0, 3))
  t.ok(prefixes.size > 48, `${prefixes.size} of 64 prefixes differ`)
})

t.test('text that is no id is gone, not an error', async (t) => {
  const { store, code } = await challengeHarness(t)
  for (const id of ['', 'x', '../..', `zzz.${'0'.repeat(32)}`, `000.${'0'.repeat(32)}`, '__proto__']) {
    t.equal(await store.read(id), undefined)
    t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
    t.same(await store.resend(id, 'v1', policy, numbers), { verdict: 'gone' })
  }
})

t.test('a refused claim is a wrong answer: counted, for the phone too, and the last one ends the code', async (t) => {
  const { store, open, code } = await challengeHarness(t)
  const { id } = await open()
  const claimed = async () => {
    const answered = await store.answer(id, code, 'v1')
    if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
    return answered.claim
  }
  const left = []
  for (let n = 0; n < policy.attempts; n++) left.push(await store.refuse(await claimed()))
  t.same(left, [4, 3, 2, 1, 0])
  t.same(await store.answer(id, code, 'v1'), { verdict: 'gone' })
  t.match(await store.read(id), { attemptsLeft: 0 })
})

t.test(
  'refused claims use up the wrong answers of the phone, and a refusal that comes late counts all the same',
  async (t) => {
    const { store, open, code, clock } = await challengeHarness(t)
    const phone = randomPhone()
    for (let n = 0; n < 2; n++) {
      const { id } = await open({ phone, limited: false })
      for (let guess = 0; guess < policy.attempts; guess++) {
        const answered = await store.answer(id, code, 'v1')
        if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
        // Its lease is over: the code is nobody's meanwhile.
        clock.offsetMs += 6 * second
        await store.refuse(answered.claim)
      }
    }
    const { id } = await open({ phone, limited: false })
    t.match(await store.answer(id, code, 'v1'), { verdict: 'limited' })
  },
)
