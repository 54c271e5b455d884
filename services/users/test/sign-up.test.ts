import t from 'tap'
import {
  blank,
  counted,
  type Harness,
  harness,
  must,
  newChallengeId,
  newNames,
  newPhone,
  patiently,
} from './harness.js'

const face = 'v1'

const consumed = async (db: Harness['db'], ids: string[]) =>
  (await db.selectFrom('consumed_challenges').select('challenge_id').where('challenge_id', 'in', ids).execute()).length

t.test('a proved phone becomes an account with a session, with everything that was given', async (t) => {
  const { signUp, person } = await harness(t)
  const { email, username } = newNames()
  const profile = { city: 'Pune', tags: ['a', { b: null }], 'naïve ключ': 1.5 }
  const { phone, user, session, conflicts } = await signUp({
    email,
    username: username.toUpperCase(),
    name: 'Asha Rao 🙂',
    role: 'tenant',
    profile,
  })
  t.match(user, {
    phone,
    phoneVerified: true,
    email,
    emailVerified: false,
    username,
    name: 'Asha Rao 🙂',
    role: 'tenant',
  })
  t.same(user.profile, profile)
  t.match(user, { hasPassword: false, secondFactor: false })
  t.match(user.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  t.type(user.number, 'number')
  t.match(session, { id: /-7/, refreshToken: /^lkr_/, deviceToken: /^lkd_/ })
  t.same(conflicts, [])
  t.same((await person(session.id)).body.user, user)
})

t.test('fifty parallel completions of one challenge make one user and one session', async (t) => {
  const { call, db } = await harness(t)
  const body = { challengeId: newChallengeId(), face, account: { ...blank, phone: newPhone() } }
  const replies = await Promise.all(Array.from({ length: 50 }, () => patiently(() => call('POST', '/sign-ups', body))))
  t.equal(replies.filter(({ status }) => status === 201).length, 1)
  t.equal(replies.filter(({ body }) => body.code === 'challenge.gone').length, 49)
  const users = await db.selectFrom('users').selectAll().where('phone', '=', body.account.phone).execute()
  t.equal(users.length, 1)
  for (const table of ['sessions', 'devices'] as const)
    t.equal((await db.selectFrom(table).select('id').where('user_id', '=', must(users[0]).id).execute()).length, 1)
  t.equal(await consumed(db, [body.challengeId]), 1)
})

t.test('whoever answers a used challenge is counted, by whether Redis can know that it may be used', async (t) => {
  const { call, metrics } = await harness(t)
  const counts = async () => {
    const text = await metrics()
    return ['forgot', 'unsure'].map((redis) => new RegExp(`fenced_total{redis="${redis}"} (\\d+)`).exec(text)?.[1])
  }
  t.same(await counts(), ['0', '0'], 'before the first: an alarm must see it come')
  const body = { challengeId: newChallengeId(), face, account: { ...blank, phone: newPhone() } }
  t.match(await call('POST', '/sign-ups', body), { status: 201 })
  t.same(await counts(), ['0', '0'])
  t.match(await call('POST', '/sign-ups', { ...body, claimLapsed: true }), { status: 410 })
  t.same(await counts(), ['0', '1'])
  t.match(await call('POST', '/sign-ups', body), { status: 410 })
  t.same(await counts(), ['1', '1'])
  const nobody = { challengeId: newChallengeId(), face, phone: newPhone() }
  t.match(await call('POST', '/sign-ins/phone', nobody), { status: 410 })
  t.same(await counts(), ['1', '1'], 'an account that is not there is no used code')
})

t.test(
  'of ten parallel proofs of one phone one makes the account; the others are told, and their challenges are used',
  async (t) => {
    const { call, db } = await harness(t)
    const account = { ...blank, ...newNames(), phone: newPhone() }
    const ids = Array.from({ length: 10 }, newChallengeId)
    const complete = (challengeId: string) => call('POST', '/sign-ups', { challengeId, face, account })
    const replies = await Promise.all(ids.map(complete))
    t.equal(replies.filter(({ status }) => status === 201).length, 1)
    t.equal(replies.filter(({ body }) => body.code === 'account.exists').length, 9)
    t.equal((await db.selectFrom('users').select('id').where('phone', '=', account.phone).execute()).length, 1)
    t.equal(await consumed(db, ids), 10)
    const again = await Promise.all(ids.map(complete))
    t.ok(again.every(({ body }) => body.code === 'challenge.gone'))
  },
)

t.test('an e-mail or username somebody holds, in whatever case, is left out and named', async (t) => {
  const { signUp } = await harness(t)
  const { email, username } = newNames()
  await signUp({ email, username })
  const both = await signUp({ email: email.toUpperCase(), username: username.toUpperCase() })
  t.same([...must(both.conflicts)].sort(), ['email', 'username'])
  t.match(both.user, { email: null, username: null })
  const one = await signUp({ email, username: newNames().username })
  t.same(one.conflicts, ['email'])
  t.not(one.user.username, null)
})

t.test('twenty people who want one username at once all get an account, and one gets the name', async (t) => {
  const { signUp } = await harness(t)
  const { email, username } = newNames()
  const made = await Promise.all(Array.from({ length: 20 }, () => signUp({ email, username })))
  t.equal(made.filter(({ user }) => user.username === username).length, 1)
  t.equal(made.filter(({ user }) => user.email === email).length, 1)
  t.ok(made.every(({ user, conflicts }) => (user.username === null) === must(conflicts).includes('username')))
})

t.test('an account no database could hold is refused before anything is consumed', async (t) => {
  const { call, db } = await harness(t)
  const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) as object
  const ids: string[] = []
  const wrong: [string, object][] = [
    ['/account/name', { name: 'a\0b' }],
    ['/account/name', { name: 'a\ud800' }],
    ['/account/email', { email: 'a\0@example.com' }],
    ['/account/role', { role: '\0' }],
    ['/account/profile', { profile: { a: ['\0'] } }],
    ['/account/profile', { profile: { 'a\0': 1 } }],
    ['/account/profile', { profile: deep }],
    ['/account/username', { username: 'ab' }],
    ['/account/username', { username: '9lives' }],
    ['/account/username', { username: 'RYT123' }],
    ['/account/username', { username: 'a'.repeat(33) }],
  ]
  for (const [path, change] of wrong) {
    const account = { ...blank, phone: newPhone(), ...change }
    const challengeId = newChallengeId()
    ids.push(challengeId)
    const reply = await call('POST', '/sign-ups', { challengeId, face, account })
    t.match(reply, { status: 400, body: { code: 'request.invalid', errors: [{ path }] } }, JSON.stringify(change))
  }
  t.equal(await consumed(db, ids), 0)
})

t.test(
  'preparing a sign-up does the same work for a known phone and an unknown one, and says which it is',
  async (t) => {
    const hasher = counted()
    const { call, signUp, queries } = await harness(t, { hasher })
    const { phone } = await signUp()
    const password = 'plum trombone harbour'
    for (const [number, known] of [
      [phone, true],
      [newPhone(), false],
    ]) {
      const before = [queries(), hasher.count()] as const
      const { status, body } = await call('POST', '/sign-ups/prepare', { phone: number, email: null, password })
      t.match([status, body], [200, { known, passwordHash: /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/ }])
      t.same([queries() - before[0], hasher.count() - before[1]], [1, 1])
    }
    t.match(await call('POST', '/sign-ups/prepare', { phone, email: null, password: null }), {
      body: { known: true, passwordHash: null },
    })
    const weak = await call('POST', '/sign-ups/prepare', { phone, email: null, password: 'password1' })
    t.match(weak, { status: 400, body: { code: 'password.weak', reasons: [String] } })
    t.equal(must(weak.body.reasons).length, 1)
    t.equal(hasher.count(), 2, 'without a password, or with a refused one, nothing is hashed')
  },
)
