import t from 'tap'
import {
  challengeHarness,
  numbers,
  hour,
  minute,
  policy,
  randomClient,
  randomPhone,
  second,
} from './challenge-harness.js'

t.test('the cooldown grows: 30 s, a minute, two, then five; an hour of silence forgets it', async (t) => {
  const { store, wanted, clock } = await challengeHarness(t)
  const phone = randomPhone()
  const waits = []
  for (let n = 0; n < 4; n++) {
    const opened = await store.open(wanted({ phone }))
    if (opened.verdict !== 'opened') throw new Error(opened.verdict)
    const refused = await store.open(wanted({ phone }))
    if (refused.verdict !== 'cooling') throw new Error(refused.verdict)
    t.same(refused.retryAt, opened.challenge.resendAt, 'the refusal and the challenge name the same moment')
    const sentAt = opened.challenge.expiresAt.getTime() - policy.codeLifeSeconds * second
    waits.push((refused.retryAt.getTime() - sentAt) / second)
    clock.offsetMs += refused.retryAt.getTime() - sentAt
  }
  t.same(waits, [30, 60, 120, 300])
  clock.offsetMs += 61 * minute
  await store.open(wanted({ phone }))
  const again = await store.open(wanted({ phone }))
  t.match(again, { verdict: 'cooling' })
})

t.test('a second before the end of the cooldown is too soon, its end is not', async (t) => {
  const { store, wanted, open, clock } = await challengeHarness(t)
  const phone = randomPhone()
  await open({ phone })
  clock.offsetMs = 29 * second
  t.match(await store.open(wanted({ phone })), { verdict: 'cooling' })
  clock.offsetMs = 30 * second
  t.match(await store.open(wanted({ phone })), { verdict: 'opened' })
})

t.test('purposes cool down apart, but share six messages an hour and twelve a day', async (t) => {
  const { store, wanted, clock } = await challengeHarness(t)
  const phone = randomPhone()
  const purposes = [
    'sign_up',
    'sign_in',
    'reset_password',
    'verify_phone',
    'change_phone',
    'second_factor',
    'verify_email',
  ] as const
  const verdicts = async (named: typeof purposes | readonly (typeof purposes)[number][]) => {
    const seen = []
    for (const purpose of named) seen.push((await store.open(wanted({ phone, purpose }))).verdict)
    return seen
  }
  t.same(await verdicts(purposes), [...Array<string>(6).fill('opened'), 'cooling'])
  clock.offsetMs = hour
  t.same(await verdicts(purposes), [...Array<string>(6).fill('opened'), 'cooling'])
  clock.offsetMs = 2 * hour
  t.same(await verdicts(['sign_up']), ['cooling'], 'twelve were sent today')
  clock.offsetMs = 24 * hour
  t.same(await verdicts(['sign_up']), ['opened'])
})

t.test('success clears the cooldown of its purpose, whoever sent and whoever answered', async (t) => {
  const { store, open, wanted, code, clock, isQuiet } = await challengeHarness(t)
  const phone = randomPhone()
  const { id } = await open({ phone })
  const answered = await store.answer(id, code, 'v1')
  if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
  t.match(await store.open(wanted({ phone })), { verdict: 'cooling' })
  await store.settle(answered.claim)
  t.match(await store.open(wanted({ phone })), { verdict: 'opened' })

  for (const sentBy of ['a stranger', 'a known device'])
    for (const answeredBy of ['a stranger', 'a known device']) {
      const known = sentBy === 'a known device'
      const wish = { phone: randomPhone(), purpose: 'sign_in', known } as const
      const challenge = await open(wish)
      // By its address, where no id tells that a known device opened it.
      const by = { client: randomClient(), knows: async () => answeredBy === 'a known device' }
      const right = await store.answer(challenge.id, code, 'v1', by)
      if (right.verdict !== 'claimed') throw new Error(right.verdict)
      const watched = await store.open(wanted({ ...wish, known: false }))
      await store.settle(right.claim)
      t.match(await store.open(wanted(wish)), { verdict: 'opened' }, `sent by ${sentBy}, answered by ${answeredBy}`)
      if (known && watched.verdict === 'opened')
        t.match(
          await store.open(wanted({ ...wish, known: false })),
          { verdict: 'cooling' },
          'a stranger sees nothing of it',
        )
    }

  const byName = { phone, purpose: 'reset_password', subject: 'username:asha', behind: phone, shownTo: null } as const
  const named = await open(byName)
  const right = await store.answer(named.id, code, 'v1')
  if (right.verdict !== 'claimed') throw new Error(right.verdict)
  await store.settle(right.claim)
  clock.offsetMs += second
  t.equal(await isQuiet(await open(byName)), false, 'the phone behind a name too')
})

t.test('a challenge whose message never reached the queue is taken back with its send', async (t) => {
  const { store, wanted, code } = await challengeHarness(t)
  const wish = wanted()
  const lost = await store.open(wish)
  if (lost.verdict !== 'opened') throw new Error(lost.verdict)
  await store.cancel(lost.challenge, wish, { refund: true })
  t.same(await store.answer(lost.challenge.id, code, 'v1'), { verdict: 'gone' })
  t.match(await store.open(wish), { verdict: 'opened' })
})

t.test('a challenge whose message may be in the queue is taken back, and its send stays counted', async (t) => {
  const { store, wanted, code } = await challengeHarness(t)
  const wish = wanted()
  const lost = await store.open(wish)
  if (lost.verdict !== 'opened') throw new Error(lost.verdict)
  await store.cancel(lost.challenge, wish, { refund: false })
  t.same(await store.answer(lost.challenge.id, code, 'v1'), { verdict: 'gone' })
  t.match(await store.open(wish), { verdict: 'cooling', retryAt: lost.challenge.resendAt })
})

t.test(
  'fifty resends at once at the end of the cooldown: one is a send, with the same code and the same end',
  async (t) => {
    const { store, open, clock, code } = await challengeHarness(t)
    const before = await open()
    clock.offsetMs = 30 * second
    const resent = await Promise.all(Array.from({ length: 50 }, () => store.resend(before.id, 'v1', policy, numbers)))
    t.equal(resent.filter(({ verdict }) => verdict === 'resent').length, 1)
    t.equal(resent.filter(({ verdict }) => verdict === 'cooling').length, 49)
    const after = await store.read(before.id)
    t.match(after, { generation: 1, expiresAt: before.expiresAt, resendsLeft: policy.resends - 1 })
    t.not(after?.messageId, before.messageId, 'each resend is a message of its own')
    t.match(await store.answer(before.id, code, 'v1'), { verdict: 'claimed' })
  },
)

t.test('past half of its life a resend makes a new code with a full life, and the old one is wrong', async (t) => {
  const { store, open, clock, code } = await challengeHarness(t)
  const before = await open()
  clock.offsetMs = 151 * second
  const resent = await store.resend(before.id, 'v1', policy, numbers)
  if (resent.verdict !== 'resent') throw new Error(resent.verdict)
  t.equal(resent.challenge.generation, 2)
  const added = resent.challenge.expiresAt.getTime() - before.expiresAt.getTime()
  t.ok(added >= 151 * second && added < 153 * second, `${added} ms were added`)
  t.match(await store.answer(before.id, code, 'v1'), { verdict: 'wrong', attemptsLeft: 4 })
})

t.test(
  'a resend that is taken back leaves the code, the end and the sends as they were, and wrong answers counted',
  async (t) => {
    const { store, open, clock, code, wrongCode, redis, keys } = await challengeHarness(t)
    const { id } = await open()
    clock.offsetMs = 151 * second
    const before = await redis.hgetall(keys.challenge(id))
    const resent = await store.resend(id, 'v1', policy, numbers)
    if (resent.verdict !== 'resent') throw new Error(resent.verdict)
    await store.answer(id, wrongCode, 'v1')
    await resent.takeBack()
    t.same(await redis.hgetall(keys.challenge(id)), { ...before, wrong: '1' })
    t.match(await store.resend(id, 'v1', policy, numbers), { verdict: 'resent' }, 'the next one is not too soon')
    await resent.takeBack()
    t.match(await store.read(id), { generation: 2, resendsLeft: policy.resends - 1 }, 'a later resend stays')
    t.match(await store.answer(id, code, 'v1'), { verdict: 'wrong' })
  },
)

t.test('a policy that rotates makes a new code at once', async (t) => {
  const { store, open, clock } = await challengeHarness(t)
  const { id } = await open()
  clock.offsetMs = 30 * second
  t.match(await store.resend(id, 'v1', { ...policy, resend: 'rotate' }, numbers), {
    verdict: 'resent',
    challenge: { generation: 2 },
  })
})

t.test('a resend refunds no wrong answer, and a new code neither', async (t) => {
  const { store, open, clock, wrongCode } = await challengeHarness(t)
  const { id } = await open()
  await store.answer(id, wrongCode, 'v1')
  await store.answer(id, wrongCode, 'v1')
  clock.offsetMs = 30 * second
  t.match(await store.resend(id, 'v1', policy, numbers), { verdict: 'resent', challenge: { attemptsLeft: 3 } })
  clock.offsetMs = 200 * second
  t.match(await store.resend(id, 'v1', policy, numbers), {
    verdict: 'resent',
    challenge: { attemptsLeft: 3, generation: 2 },
  })
})

t.test('four resends, then no more', async (t) => {
  const { store, open, clock } = await challengeHarness(t)
  const flat = { ...policy, cooldownsSeconds: [30] }
  const { id, expiresAt } = await open()
  for (let n = 1; n <= policy.resends; n++) {
    clock.offsetMs = n * 30 * second
    t.match(await store.resend(id, 'v1', flat, numbers), {
      verdict: 'resent',
      challenge: { resendsLeft: policy.resends - n },
    })
  }
  t.match(await store.resend(id, 'v1', flat, numbers), { verdict: 'cooling' })
  clock.offsetMs = 150 * second
  t.same(await store.resend(id, 'v1', flat, numbers), { verdict: 'spent', retryAt: expiresAt })
})

t.test('a challenge that has expired is not resent', async (t) => {
  const { store, open, clock } = await challengeHarness(t)
  const { id } = await open()
  clock.offsetMs = 5 * minute
  t.same(await store.resend(id, 'v1', policy, numbers), { verdict: 'gone' })
})

t.test('a code that is being used is not resent', async (t) => {
  const { store, open, clock, code } = await challengeHarness(t)
  const { id } = await open()
  clock.offsetMs = 30 * second
  await store.answer(id, code, 'v1')
  t.same(await store.resend(id, 'v1', policy, numbers), { verdict: 'held' })
})

t.test(
  'the owner of a number is told once a day that somebody tried to sign up with it; the rest are decoys',
  async (t) => {
    const { store, open, wanted, clock, redis, keys, isQuiet } = await challengeHarness(t)
    const phone = randomPhone()
    const message = { kind: 'account_exists', to: phone } as const
    const first = await open({ phone, message })
    t.equal(await isQuiet(first), false)
    clock.offsetMs = hour
    t.equal(await isQuiet(await open({ phone, message })), true)
    clock.offsetMs = 25 * hour
    const tomorrow = await open({ phone, message })
    t.equal(await isQuiet(tomorrow), false)
    clock.offsetMs += 30 * second
    await store.resend(tomorrow.id, 'v1', policy, numbers)
    t.equal(await isQuiet(tomorrow), true, 'a resend does not repeat the notice')
    t.equal(
      await redis
        .hget(keys.challenge(tomorrow.id), 'quiet')
        .then((list) => list?.split(',').includes(tomorrow.messageId)),
      false,
      'nor takes the first one back',
    )
    t.match(await store.open(wanted({ phone })), { verdict: 'cooling' })
  },
)

t.test('a notice that never reached the queue is given another time that day', async (t) => {
  const { store, open, wanted, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const wish = wanted({ phone, message: { kind: 'account_exists', to: phone } })
  const lost = await store.open(wish)
  if (lost.verdict !== 'opened') throw new Error(lost.verdict)
  await store.cancel(lost.challenge, wish, { refund: true })
  const next = await open({ phone, message: { kind: 'account_exists', to: phone } })
  t.equal(await redis.hget(keys.challenge(next.id), 'quiet'), '')
})

t.test('a test number has no cooldown and no budget', async (t) => {
  const { store, wanted } = await challengeHarness(t)
  const phone = randomPhone()
  for (let n = 0; n < 15; n++) t.match(await store.open(wanted({ phone, limited: false })), { verdict: 'opened' })
})
