import { hash } from '@node-rs/argon2'
import t from 'tap'
import { createPasswordHasher, type PasswordHasher } from '../src/credentials/password-hasher.js'
import { counted, harness, must, newChallengeId, newKey, newNames, newPhone } from './harness.js'

const password = 'plum trombone härbour'

t.test('a right password opens a session by phone, e-mail or username, in any case and composition', async (t) => {
  const { signUp, logIn, call } = await harness(t)
  const { email, username } = newNames()
  const phone = newPhone()
  const { body } = await call('POST', '/sign-ups/prepare', { phone, email, password })
  const { user } = await signUp({ phone, email, username, passwordHash: must(body['passwordHash']) as string })
  t.equal(user.hasPassword, true)
  for (const [kind, value] of [
    ['phone', phone],
    ['email', email.toUpperCase()],
    ['username', username.toUpperCase()],
  ] as const) {
    const reply = await logIn(kind, value, password.normalize('NFD'))
    t.match(reply, { status: 200, body: { user: { id: user.id }, session: { refreshToken: /^lkr_/ } } })
  }
})

t.test('whatever is wrong, one look-up and one comparison are made and one answer is given', async (t) => {
  const hasher = counted()
  const { signUp, logIn, queries } = await harness(t, { hasher })
  const passwordHash = await hasher.hash(password.normalize('NFC'))
  const { phone } = await signUp({ passwordHash })
  const withoutPassword = await signUp()
  const impossible = await signUp({ passwordHash: await hasher.hash('impossible') })
  const disabled = newNames().username
  const cases: [string, string, string][] = [
    ['phone', phone, 'not the password'],
    ['phone', phone, ''],
    ['phone', phone, 'x'.repeat(5_000)],
    ['phone', phone, `${password}\0`],
    ['phone', phone, `${password}\ud800`],
    ['phone', newPhone(), password],
    ['email', 'nobody@example.com', password],
    ['username', disabled, password],
    ['username', 'no\0body', password],
    ['phone', withoutPassword.phone, password],
    ['phone', withoutPassword.phone, 'impossible'],
    ['phone', impossible.phone, 'x'.repeat(5_000)],
  ]
  for (const [kind, value, tried] of cases) {
    const [lookUps, hashes] = [queries(), hasher.count()]
    t.match(await logIn(kind, value, tried), { status: 401, body: { code: 'credentials.wrong' } })
    t.same([queries() - lookUps, hasher.count() - hashes], [1, 1], `${kind} ${JSON.stringify(tried.slice(0, 12))}`)
  }
})

t.test('whoever is told to come again with his password has cost the database nothing', async (t) => {
  const hasher = createPasswordHasher({ atOnce: 1, longestWaitMs: 1 })
  const { logIn, queries } = await harness(t, { hasher })
  const told = await Promise.all(Array.from({ length: 80 }, () => logIn('phone', newPhone(), password)))
  const compared = told.filter(({ status }) => status === 401).length
  t.equal(told.filter(({ status }) => status === 503).length, 80 - compared)
  t.ok(compared >= 1 && compared < 40, `${compared} were compared`)
  t.equal(queries(), compared, 'one look-up each')
})

t.test('that an account is disabled is only said after a right password', async (t) => {
  const hasher = createPasswordHasher({ atOnce: 2 })
  const { signUp, logIn, db } = await harness(t, { hasher })
  const { phone, user } = await signUp({ passwordHash: await hasher.hash(password.normalize('NFC')) })
  await db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', user.id).execute()
  t.match(await logIn('phone', phone, 'not the password'), { body: { code: 'credentials.wrong' } })
  t.match(await logIn('phone', phone, password), { status: 403, body: { code: 'account.disabled' } })
})

t.test('a hash with outdated parameters is renewed by a right password, and by nothing else', async (t) => {
  const { signUp, logIn, db } = await harness(t)
  const old = await hash(password.normalize('NFC'), { memoryCost: 8_192, timeCost: 1, parallelism: 1 })
  const { phone, user } = await signUp({ passwordHash: old })
  const stored = async () =>
    (await db.selectFrom('users').select('password_hash').where('id', '=', user.id).executeTakeFirstOrThrow())
      .password_hash
  t.match(await logIn('phone', phone, 'not the password'), { status: 401 })
  t.equal(await stored(), old)
  t.match(await logIn('phone', phone, password), { status: 200 })
  t.match(await stored(), /\$m=19456,t=2,p=1\$/)
  const renewed = await stored()
  t.match(await logIn('phone', phone, password), { status: 200 })
  t.equal(await stored(), renewed)
})

t.test('a password changed while it was being compared opens nothing', async (t) => {
  const real = createPasswordHasher({ atOnce: 2 })
  let meanwhile = async () => {}
  const hasher: PasswordHasher = {
    ...real,
    inTurn: async (work) => {
      const compared = await real.inTurn(work)
      await meanwhile()
      return compared
    },
  }
  const { signUp, logIn, db } = await harness(t, { hasher })
  const { phone, user } = await signUp({ passwordHash: await real.hash(password.normalize('NFC')) })
  const other = await real.hash('another password')
  meanwhile = async () => {
    await db.updateTable('users').set({ password_hash: other }).where('id', '=', user.id).execute()
  }
  t.match(await logIn('phone', phone, password), { status: 401, body: { code: 'credentials.wrong' } })
})

t.test('a proved phone signs its owner in, once per challenge', async (t) => {
  const { call, signUp, db } = await harness(t)
  const { phone, user } = await signUp()
  const body = { challengeId: newChallengeId(), phone, face: 'v1' }
  const replies = await Promise.all(Array.from({ length: 20 }, () => call('POST', '/sign-ins/phone', body)))
  const [good] = replies.filter(({ status }) => status === 200)
  t.equal(good?.body.user?.id, user.id)
  t.equal(replies.filter(({ body }) => body.code === 'challenge.gone').length, 19)
  t.equal((await db.selectFrom('sessions').select('id').where('user_id', '=', user.id).execute()).length, 2)
})

t.test('a phone without an owner signs nobody in; a disabled owner is told, and the challenge is used', async (t) => {
  const { call, signUp, signIn, db } = await harness(t)
  t.match(await signIn(newPhone()), { status: 410, body: { code: 'challenge.gone' } })
  const { phone, user } = await signUp()
  await db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', user.id).execute()
  const body = { challengeId: newChallengeId(), phone, face: 'v1' }
  t.match(await call('POST', '/sign-ins/phone', body), { status: 403, body: { code: 'account.disabled' } })
  t.match(await call('POST', '/sign-ins/phone', body), { status: 410, body: { code: 'challenge.gone' } })
})

t.test('a challenge used for one thing cannot be used for another', async (t) => {
  const { call, signUp } = await harness(t)
  const { phone, challengeId } = await signUp()
  t.match(await call('POST', '/sign-ins/phone', { challengeId, phone, face: 'v1' }), { status: 410 })
  t.match(await call('POST', '/reset-tokens', { challengeId, phone, face: 'v1' }), { status: 410 })
})

t.test('a reset token is given once per challenge, for 15 minutes, and is nowhere in the database', async (t) => {
  const { call, signUp, db } = await harness(t, { ring: [newKey('k1')] })
  const { phone, user } = await signUp()
  const challengeId = newChallengeId()
  const given = await call('POST', '/reset-tokens', { challengeId, phone, face: 'v1' })
  t.match(given, { status: 201, body: { resetToken: /^lkp_/ } })
  const lifeMs = Date.parse(given.body['expiresAt'] as string) - Date.now()
  t.ok(lifeMs > 14.9 * 60_000 && lifeMs <= 15 * 60_000)
  const rows = await db.selectFrom('reset_tokens').selectAll().where('user_id', '=', user.id).execute()
  t.match(rows, [{ used_at: null }])
  t.notOk(JSON.stringify(rows).includes((given.body['resetToken'] as string).slice(30)))
  t.match(await call('POST', '/reset-tokens', { challengeId, phone, face: 'v1' }), { status: 410 })
  t.match(await call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone: newPhone(), face: 'v1' }), {
    status: 410,
  })
})

t.test('the phone of an account is found by each of its identifiers', async (t) => {
  const { call, signUp } = await harness(t)
  const names = newNames()
  const { phone } = await signUp(names)
  const find = async (kind: string, value: string) =>
    (await call('POST', '/people/find-phone', { identifier: { kind, value } })).body['phone']
  t.equal(await find('phone', phone), phone)
  t.equal(await find('email', names.email.toUpperCase()), phone)
  t.equal(await find('username', names.username.toUpperCase()), phone)
  t.equal(await find('username', names.email), null, 'only as what it is')
  t.equal(await find('phone', newPhone()), null)
  t.equal(await find('email', 'a\0b@example.com'), null)
})
