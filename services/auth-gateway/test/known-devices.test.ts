import type { E164 } from '@latchkey/contracts/phone'
import t from 'tap'
import { challengeHarness, minute, numbers, policy, randomClient, randomPhone, second } from './challenge-harness.js'

type Harness = Awaited<ReturnType<typeof challengeHarness>>

/** Strangers take all that a phone may be sent and all that may be guessed at it. */
async function exhaust({ store, wanted, open, wrongCode, clock }: Harness, phone: E164) {
  for (let sent = 0; sent < 6; sent++) {
    const { id } = await open({ phone, purpose: 'sign_in' })
    for (let turn = 0; turn < 5; turn++) await store.answer(id, wrongCode, 'v1')
    clock.offsetMs += 6 * minute
  }
  return store.open(wanted({ phone, purpose: 'sign_in' }))
}

t.test(
  'a known device is sent a code, is sent it again and answers it when strangers have spent everything',
  async (t) => {
    const h = await challengeHarness(t)
    const { store, open, code, wrongCode, clock } = h
    const phone = randomPhone()
    t.match(await exhaust(h, phone), { verdict: 'cooling' })
    const { id } = await open({ phone, purpose: 'sign_in', known: true })
    t.match(await store.resend(id, 'v1', policy, numbers), { verdict: 'cooling' }, 'with a cooldown of its own')
    clock.offsetMs += 31 * second
    t.match(await store.resend(id, 'v1', policy, numbers), { verdict: 'resent' })
    t.match(await store.answer(id, wrongCode, 'v1'), { verdict: 'wrong', attemptsLeft: 4 })
    t.match(await store.answer(id, code, 'v1'), { verdict: 'claimed' })
  },
)

t.test('what a known device spends no stranger has spent', async (t) => {
  const { store, open, wanted, wrongCode } = await challengeHarness(t)
  const phone = randomPhone()
  const { id } = await open({ phone, purpose: 'sign_in', known: true })
  t.match(await store.open(wanted({ phone, purpose: 'sign_in', known: true })), { verdict: 'cooling' })
  t.match(await store.answer(id, wrongCode, 'v1'), { verdict: 'wrong' })
  t.match(await store.open(wanted({ phone, purpose: 'sign_in' })), { verdict: 'opened' })
})

t.test(
  'the known devices of one account share six messages an hour and ten wrong answers, over all purposes',
  async (t) => {
    const { store, open, wanted, wrongCode, clock } = await challengeHarness(t)
    const phone = randomPhone()
    for (const purpose of ['sign_in', 'reset_password', 'second_factor'] as const)
      for (let sent = 0; sent < 2; sent++) {
        const { id } = await open({ phone, purpose, known: true })
        for (let turn = 0; turn < 5; turn++) await store.answer(id, wrongCode, 'v1')
        clock.offsetMs += minute
      }
    t.match(await store.open(wanted({ phone, purpose: 'change_phone', known: true })), { verdict: 'cooling' })
    t.match(await store.open(wanted({ phone, purpose: 'change_phone' })), { verdict: 'opened' })
  },
)

t.test('a device that is known only when it answers is not stopped by what strangers guessed', async (t) => {
  const { store, open, code, wrongCode } = await challengeHarness(t)
  const phone = randomPhone()
  const asked: unknown[] = []
  const knows = async (...about: unknown[]) => asked.push(about) > 0
  for (const purpose of ['sign_up', 'reset_password'] as const) {
    const { id } = await open({ phone, purpose })
    for (let turn = 0; turn < 5; turn++) await store.answer(id, wrongCode, 'v1')
  }
  const { id } = await open({ phone, purpose: 'sign_in' })
  t.match(await store.answer(id, code, 'v1'), { verdict: 'limited', budget: 'phone' })
  t.match(await store.answer(id, code, 'v1', { knows: async () => false }), { verdict: 'limited' }, 'foreign: as none')
  t.match(await store.answer(id, code, 'v1', { knows }), { verdict: 'claimed' })
  t.same(asked, [[phone, 'sign_in']], 'of the phone the code went to')
})

t.test('who finds the challenge of a known device by its address spends none of what is the device’s', async (t) => {
  const { store, openFound, wrongCode } = await challengeHarness(t)
  const phone = randomPhone()
  const [client, stranger] = [randomClient(), randomClient()]
  const { id } = await openFound(client, { phone, purpose: 'sign_in', known: true })
  let counted = 0
  const count = async () => {
    counted += 1
    return { verdict: 'counted', giveBack: async () => undefined } as const
  }
  await store.answer(id, wrongCode, 'staged', { client: stranger, count })
  t.equal(counted, 1, 'he is counted for his network')
  await store.answer(id, wrongCode, 'staged', { client, knows: async () => true, count })
  t.equal(counted, 1, 'the device is not')
  t.match(
    await store.resend(id, 'staged', policy, numbers, { known: false }),
    { verdict: 'resent' },
    'nor its cooldown',
  )
  t.match(await store.resend(id, 'staged', policy, numbers, { known: true }), { verdict: 'cooling' })
})

t.test('behind an e-mail a known device has its own sends of the phone too', async (t) => {
  const h = await challengeHarness(t)
  const { redis, open, keys } = h
  const phone = randomPhone()
  await exhaust(h, phone)
  const byMail = (known: boolean) =>
    open({
      phone,
      subject: `email:${phone}@example.com`,
      behind: phone,
      shownTo: null,
      purpose: 'reset_password',
      known,
    })
  const quiet = async (known: boolean) => {
    const { id, messageId } = await byMail(known)
    return (await redis.hget(keys.challenge(id), 'quiet')) === messageId
  }
  t.equal(await quiet(false), true, 'a stranger’s goes nowhere, and he is not told')
  t.equal(await quiet(true), false)
})

t.test('a network that has guessed enough has no answer compared', async (t) => {
  const { store, guesses, open, code, wrongCode } = await challengeHarness(t)
  const network = 'a network'
  const by = { count: () => guesses.answer(network) }
  const { id } = await open()
  for (let counted = 0; counted < 299; counted++) await guesses.answer(network)
  t.match(await store.answer(id, wrongCode, 'v1', by), { verdict: 'wrong', attemptsLeft: 4 })
  t.match(await store.answer(id, code, 'v1', by), { verdict: 'limited' })
  t.match(await store.answer(id, code, 'v1', { count: () => guesses.answer('another') }), { verdict: 'claimed' })
})
