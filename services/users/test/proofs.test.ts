import type { E164 } from '@latchkey/contracts/phone'
import { eventually } from '@latchkey/kit/testing'
import { sql as rawSql } from 'kysely'
import t from 'tap'
import {
  blank,
  type Harness,
  harness,
  must,
  newChallengeId,
  newNames,
  newPhone,
  newRegistration,
  patiently,
  type Reply,
} from './harness.js'

const face = 'staged'
const goneChallenge = { status: 410, body: { code: 'challenge.gone' } }

const liveSessions = async ({ person }: Harness, made: { session: { id: string } }[]) =>
  Promise.all(made.map(async ({ session }) => (await person(session.id)).status === 200))

const holders = ({ db }: Harness, phone: E164) =>
  db.selectFrom('users').select('id').where('phone', '=', phone).execute()

t.test('a proved registration is the account, with the same id, number and session', async (t) => {
  const h = await harness(t)
  const made = await h.register({ password: 'plum12' })
  const { body } = await h.prove(made, { signIn: true })
  t.match(body.user, { ...made.user, phoneVerified: true, updatedAt: String })
  t.match(await h.refresh(made.session.refreshToken, face), { body: { userId: made.user.id, proved: true } })
  t.match(await h.person(must(body.session).id), { body: { user: { id: made.user.id } } })
  t.match(await h.logIn('phone', must(made.phone), 'plum12'), { status: 200, body: { user: { id: made.user.id } } })
  t.match((await h.prove(await h.register())).body, { session: null }, 'a session only where one is asked for')
})

t.test('whoever proves wins, whether the attacker came first or second', async (t) => {
  const h = await harness(t)
  for (const ownerFirst of [true, false]) {
    const phone = newPhone()
    const names = newNames()
    const made = [await h.register({ phone, ...names, password: 'first1' })]
    made.push(await h.register({ phone, ...names, password: 'second' }))
    const [owner, attacker] = ownerFirst ? [made[0], made[1]] : [made[1], made[0]]
    t.match(await h.prove(must(owner)), { status: 200, body: { user: { id: must(owner).user.id, ...names } } })
    t.same(await liveSessions(h, [must(owner), must(attacker)]), [true, false])
    t.match(await h.prove(must(attacker)), goneChallenge)
    t.match(await h.logIn('phone', phone, must(must(attacker).password)), { status: 401 })
    t.match(await h.logIn('phone', phone, must(must(owner).password)), { status: 200 })
  }
})

t.test('a proof on /v1 ends every claim on the phone, and leaves those on others alone', async (t) => {
  const h = await harness(t)
  const phone = newPhone()
  const names = newNames()
  const claims = [await h.register({ phone, ...names }), await h.register({ phone, face: 'users-api' })]
  const other = await h.register(names)
  const { user } = await h.signUp({ phone, ...names })
  t.match(user, { phone, ...names })
  t.same(await liveSessions(h, [...claims, other]), [false, false, true])
  for (const claim of claims) t.match(await h.prove(claim), goneChallenge)
  t.match(
    (await h.prove(other)).body.user,
    { phone: other.phone, email: null, username: null },
    'left out, not refused',
  )
})

t.test('where somebody else proves, an account that may be without a phone loses that and its sessions', async (t) => {
  const h = await harness(t)
  const phone = newPhone()
  const careops = { phone, face: 'careops', username: null, phoneOptional: true, password: 'plum12' }
  const winner = await h.register({ phone })
  const kept = await h.register(careops)
  const sameEmail = await h.register({ ...careops, email: kept.email.toUpperCase() })
  const held = await h.register({ ...careops, email: winner.email })
  t.match(await h.prove(winner), { status: 200 })
  t.same(await liveSessions(h, [winner, kept, sameEmail, held]), [true, false, false, false], 'all must log in again')
  const again = await h.logIn('email', kept.email, 'plum12')
  t.match(again, { status: 200, body: { user: { id: kept.user.id, phone: null, email: kept.email } } })
  t.match(await h.prove(kept), goneChallenge)
})

t.test(
  'of ten registrations of one phone that are proved at once, one is the account and the others are gone',
  async (t) => {
    const h = await harness(t)
    for (let turn = 0; turn < 3; turn += 1) {
      const phone = newPhone()
      const names = newNames()
      const made = []
      for (let count = 0; count < 10; count += 1) made.push(await h.register({ phone, ...names }))
      const replies = await Promise.all(made.map((one) => patiently(() => h.prove(one))))
      t.equal(replies.filter(({ status }) => status === 200).length, 1)
      t.equal(replies.filter(({ body }) => body.code === 'challenge.gone').length, 9)
      t.equal((await holders(h, phone)).length, 1)
      t.equal((await liveSessions(h, made)).filter((live) => live).length, 1)
    }
  },
)

t.test('a proof here and a sign-up on /v1 of one phone at once make one account', async (t) => {
  const h = await harness(t)
  for (let turn = 0; turn < 10; turn += 1) {
    const made = await h.register()
    const account = { ...blank, ...newNames(), phone: must(made.phone) }
    const replies = await Promise.all([
      patiently(() => h.prove(made)),
      patiently(() => h.call('POST', '/sign-ups', { challengeId: newChallengeId(), face: 'v1', account })),
    ])
    t.equal(replies.filter(({ status }) => status < 300).length, 1)
    t.equal((await holders(h, account.phone)).length, 1)
    t.same((await h.db.selectFrom('users').select('id').where('claimed_phone', '=', account.phone).execute()).length, 0)
  }
})

t.test(
  'ten people who prove at once and want one e-mail and username all get an account, and one the names',
  async (t) => {
    const h = await harness(t)
    const names = newNames()
    const made = await Promise.all(Array.from({ length: 10 }, () => h.register(names)))
    const replies = await Promise.all(made.map((one) => patiently(() => h.prove(one))))
    t.same([...new Set(replies.map(({ status }) => status))], [200])
    t.equal(replies.filter(({ body }) => body.user?.email === names.email).length, 1)
    t.equal(replies.filter(({ body }) => body.user?.username === names.username).length, 1)
  },
)

t.test('a challenge proves once; what it could not prove is used up as well', async (t) => {
  const h = await harness(t)
  const made = await h.register()
  const challengeId = newChallengeId()
  const replies = await Promise.all(
    Array.from({ length: 10 }, () => patiently(() => h.prove(made, { challengeId, signIn: true }))),
  )
  t.equal(replies.filter(({ status }) => status === 200).length, 1)
  t.equal(replies.filter(({ body }) => body.code === 'challenge.gone').length, 9)
  t.match(await h.prove(made), goneChallenge, 'a second code of the same registration')

  const taken = await h.register({ phone: made.phone, hideConflicts: true })
  const late = newChallengeId()
  t.match(await h.prove(taken, { challengeId: late }), { status: 409, body: { code: 'account.exists' } })
  t.match(await h.prove(await h.register(), { challengeId: late }), goneChallenge)
})

t.test('a code proves only the phone it went to, on the face it was asked for', async (t) => {
  const h = await harness(t)
  const made = await h.register()
  t.match(await h.prove(made, { phone: newPhone() }), goneChallenge)
  t.match(await h.prove(made, { face: 'careops' }), goneChallenge)
  t.same(await liveSessions(h, [made]), [true])
})

t.test('a whole sign-up refuses what somebody holds instead of leaving it out, and uses the challenge', async (t) => {
  const h = await harness(t)
  const names = newNames()
  await h.signUp(names)
  const complete = (challengeId: string, account: object) =>
    h.call('POST', '/sign-ups', {
      challengeId,
      face: 'rently',
      whole: true,
      account: { ...blank, phone: newPhone(), ...account },
    })
  const challengeId = newChallengeId()
  const refused = await complete(challengeId, { email: names.email.toUpperCase() })
  t.match(refused, { status: 409, body: { code: 'account.exists', errors: [{ path: '/email' }] } })
  t.match(await complete(challengeId, newNames()), goneChallenge)
  t.match(await complete(newChallengeId(), { username: names.username }), { body: { errors: [{ path: '/username' }] } })
  t.match(await complete(newChallengeId(), newNames()), { status: 201, body: { conflicts: [] } })
})

t.test('who registers a phone while it is being proved waits, and is told that it is taken', async (t) => {
  const h = await harness(t)
  const waiting = async () => {
    const { rows } = await rawSql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(h.db)
    return must(rows[0]).count
  }
  async function both(): Promise<Reply[]> {
    const made = await h.register()
    // The proof is held up in the middle of its transaction.
    const { proving, registering } = await h.db.transaction().execute(async (trx) => {
      await trx.selectFrom('users').select('id').where('id', '=', made.user.id).forUpdate().execute()
      const proving = h.prove(made)
      await eventually('the proof to wait', async () => (await waiting()) === 1)
      const registering = h.call('POST', '/registrations', newRegistration({ phone: made.phone }))
      await Promise.race([registering, eventually('the register to wait', async () => (await waiting()) === 2)])
      return { proving, registering }
    })
    return Promise.all([proving, registering])
  }
  let replies = await both()
  while (replies.some(({ status }) => status === 503)) replies = await both()
  t.match(replies, [{ status: 200 }, { status: 409, body: { code: 'account.exists', errors: [{ path: '/phone' }] } }])
})
