import type { E164 } from '@latchkey/contracts/phone'
import t from 'tap'
import type { NewChallenge } from '../src/challenges/challenge.js'
import { nobodyBehind } from '../src/challenges/address-decoys.js'
import { challengeHarness, hour, minute, numbers, policy, randomPhone, second } from './challenge-harness.js'

// What is asked for by an e-mail or a username leads to a phone that the caller did not name.

type Harness = Awaited<ReturnType<typeof challengeHarness>>

const byName = (phone: E164, name = 'username:asha'): Partial<NewChallenge> & { phone: E164 } => ({
  phone,
  purpose: 'reset_password',
  subject: name,
  behind: phone,
  shownTo: null,
})
/** The same of a name that nobody has. */
const byNobodysName = {
  subject: 'username:asha',
  behind: nobodyBehind('username:asha'),
  message: { kind: 'decoy' },
} as const

t.test(
  'whose phone is behind a name is told to nobody who asks by both: no cooldown, no budget, no count of answers',
  async (t) => {
    /** What somebody hears who asks by a name as often as he may, and then by the phone he suspects behind it. */
    async function story(named: (suspected: E164) => Partial<NewChallenge>) {
      const { store, wanted, wrongCode, clock }: Harness = await challengeHarness(t)
      const phone = randomPhone()
      const heard: unknown[] = []
      const ask = async (wish: NewChallenge, guesses: number) => {
        const opened = await store.open(wish)
        heard.push(opened.verdict)
        if (opened.verdict === 'cooling') return
        const waitMs = opened.challenge.resendAt.getTime() - opened.challenge.openedAt.getTime()
        heard.push(`${Math.round(waitMs / minute)} min`)
        for (let turn = 0; turn < guesses; turn++) {
          const { verdict, ...rest } = await store.answer(opened.challenge.id, wrongCode, 'v1')
          heard.push([verdict, 'attemptsLeft' in rest ? rest.attemptsLeft : undefined])
        }
        heard.push((await store.resend(opened.challenge.id, 'v1', policy, numbers)).verdict)
      }
      for (let turn = 0; turn < 7; turn++) {
        await ask(wanted(named(phone)), 4)
        clock.offsetMs += 6 * minute
      }
      for (let turn = 0; turn < 7; turn++) {
        await ask(wanted({ phone, purpose: turn % 2 === 0 ? 'reset_password' : 'sign_in' }), 4)
        clock.offsetMs += 6 * minute
      }
      return heard
    }
    const other = byName(randomPhone())
    const theirs = await story((suspected) => byName(suspected))
    t.same(theirs, await story(() => other), 'the phone of somebody else')
    t.same(theirs, await story(() => ({ ...other, ...byNobodysName })), 'nobody')
    t.ok(theirs.includes('cooling'), 'the control: the limits of what was named are met')
  },
)

t.test('behind a name the limits of the phone hold all the same, and the caller is not told', async (t) => {
  const { store, open, wanted, clock, redis, keys, isQuiet, wrongCode } = await challengeHarness(t)
  const phone = randomPhone()
  await open({ phone, purpose: 'reset_password' })
  const silent = await open(byName(phone))
  t.equal(await isQuiet(silent), true, 'the phone is in its cooldown, so nothing is sent')
  t.match(
    await store.open(wanted(byName(phone))),
    { verdict: 'cooling', retryAt: silent.resendAt },
    'the name has a cooldown of its own',
  )
  clock.offsetMs = 61 * second
  const sent = await open(byName(phone))
  t.equal(await isQuiet(sent), false)
  t.equal(await isQuiet(await open(byName(phone, 'email:asha@example.com'))), true, 'two names, one phone')
  await store.answer(sent.id, wrongCode, 'v1')
  t.equal(await redis.zcard(keys.wrong(keys.behind(keys.subject(phone)))), 1, 'a wrong answer is counted there')
  t.equal(await redis.exists(keys.wrong(keys.subject(phone))), 0)
})

t.test('a phone gets six messages an hour and twelve a day, by its number and by its names together', async (t) => {
  const { store, open, wanted, clock, isQuiet } = await challengeHarness(t)
  const phone = randomPhone()
  const sentIn = async (hours: number) => {
    const began = clock.offsetMs
    let sent = 0
    for (let turn = 0; clock.offsetMs < began + hours * hour; turn++) {
      const wish = turn % 2 === 0 ? byName(phone) : { phone, purpose: 'sign_in' as const }
      const opened = await store.open(wanted(wish))
      if (opened.verdict === 'opened' && !(await isQuiet(opened.challenge))) sent += 1
      clock.offsetMs += 5 * minute + second
    }
    return sent
  }
  t.equal(await sentIn(0.9), 6)
  clock.offsetMs = 70 * minute
  const later = await sentIn(8)
  t.ok(later > 0 && later <= 6, `${later} more, twelve a day at most`)
  clock.offsetMs = 26 * hour
  const first = await open(byName(phone))
  t.equal(await isQuiet(first), false)
  for (const purpose of ['sign_in', 'sign_up', 'verify_phone', 'change_phone', 'verify_email'] as const)
    t.equal(await isQuiet(await open({ phone, purpose })), false)
  const seventh = await open({ phone, purpose: 'reset_password' })
  t.equal(await isQuiet(seventh), true, 'the sixth that names the phone is the seventh of all: it looks sent')
  t.equal(await isQuiet(await open({ phone, purpose: 'sign_in', known: true })), false, 'its own devices have theirs')
})

t.test('a resend past what a phone may be sent by its number and its names together looks sent', async (t) => {
  const { store, open, clock, isQuiet } = await challengeHarness(t)
  const phone = randomPhone()
  for (let turn = 0; turn < 5; turn++) {
    t.equal(await isQuiet(await open(byName(phone))), false)
    clock.offsetMs += 6 * minute
  }
  const challenge = await open({ phone })
  t.equal(await isQuiet(challenge), false, 'the sixth')
  clock.offsetMs += 30 * second
  t.match(await store.resend(challenge.id, 'v1', policy, numbers), { verdict: 'resent' })
  t.equal(await isQuiet(challenge), true)
})

t.test('a message for a name that is taken back leaves nothing behind it', async (t) => {
  const { store, open, wanted, clock, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const behind = keys.behind(keys.subject(phone))
  const wish = wanted(byName(phone))
  const lost = await store.open(wish)
  if (lost.verdict !== 'opened') throw new Error(lost.verdict)
  t.equal(await redis.zcard(keys.sends(behind)), 1)
  await store.cancel(lost.challenge, wish, { refund: true })
  t.equal(await redis.exists(keys.sends(behind), keys.ladder(behind, 'reset_password')), 0)
  const kept = await open(byName(phone))
  t.match(await store.open(wish), { verdict: 'cooling' })
  t.equal(await redis.zcard(keys.sends(behind)), 1, 'what is refused is given back')
  clock.offsetMs = 31 * second
  const resent = await store.resend(kept.id, 'v1', policy, numbers)
  if (resent.verdict !== 'resent') throw new Error(resent.verdict)
  await resent.takeBack()
  t.equal(await redis.zcard(keys.sends(behind)), 1)
})
