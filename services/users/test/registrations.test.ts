import { randomUUID } from 'node:crypto'
import t from 'tap'
import { counted, harness, must, newNames, newPhone, newRegistration } from './harness.js'

const password = 'plum12'
const gone = { status: 401, body: { code: 'token.invalid' } }

t.test('a registration is an account that claims, with a session of its face', async (t) => {
  const { register, person, refresh } = await harness(t)
  const made = await register({ password, name: 'Asha', role: 'tenant', profile: { dob: '1990-01-01' } })
  const { phone, email, username, user, session } = made
  t.match(user, { phone, phoneVerified: false, email, emailVerified: false, username, name: 'Asha', role: 'tenant' })
  t.match(user, { hasPassword: true, profile: { dob: '1990-01-01' } })
  t.same((await person(session.id)).body.user, user)
  t.match(await refresh(session.refreshToken, 'staged'), { status: 200, body: { userId: user.id, proved: false } })
  t.match(await refresh(session.refreshToken, 'v1'), gone, 'and it opens no other face')
})

t.test('nothing that looks for accounts sees a registration', async (t) => {
  const { register, call, logIn, signIn } = await harness(t)
  const { phone, email, username, user } = await register({ password })
  for (const [kind, value] of [
    ['phone', must(phone)],
    ['email', email],
    ['username', must(username)],
    ['number', String(user.number)],
  ] as const) {
    t.match(await logIn(kind, value, password), { status: 401, body: { code: 'credentials.wrong' } }, kind)
    const found = await call('POST', '/people/find-phone', { identifier: { kind, value } })
    t.strictSame(found.body, { phone: null, email: null, known: false }, kind)
  }
  t.match(await call('POST', '/sign-ups/prepare', { phone, email, password: null }), { body: { known: false } })
  t.match(await signIn(must(phone)), { status: 410, body: { code: 'challenge.gone' } })
})

t.test('claims of others are no conflict; what an active account holds is named, field by field', async (t) => {
  const { register, signUp, call } = await harness(t)
  const claimed = await register()
  const { phone, email, username } = claimed
  t.not((await register({ phone, email, username })).user.id, claimed.user.id)

  const names = newNames()
  const holder = await signUp(names)
  const paths = async (asked: object) => {
    const { status, body } = await call('POST', '/registrations', newRegistration(asked))
    return [status, body.code, body.errors?.map(({ path }) => path)]
  }
  const exists = (...fields: string[]) => [409, 'account.exists', fields]
  t.same(await paths({ phone: holder.phone }), exists('/phone'))
  t.same(await paths({ email: names.email.toUpperCase() }), exists('/email'))
  t.same(await paths({ username: names.username.toUpperCase() }), exists('/username'))
  t.same(await paths({ phone: holder.phone, ...names }), exists('/phone', '/email', '/username'))
})

t.test('where conflicts are hidden the answer is that of a success, and the claim cannot be proved', async (t) => {
  const { register, signUp, prove, person } = await harness(t)
  const names = newNames()
  const { phone, session } = await signUp(names)
  const hidden = await register({ phone, ...names, hideConflicts: true })
  t.match(hidden, { taken: true, user: { phone, email: names.email, username: names.username, phoneVerified: false } })
  t.equal((await register({ hideConflicts: true })).taken, false)
  t.match(await prove(hidden), { status: 409, body: { code: 'account.exists', errors: [{ path: '/phone' }] } })
  t.match(await person(session.id), { status: 200 })
})

t.test('without a phone an account is active at once, if its e-mail is free', async (t) => {
  const { register, refresh, logIn, call } = await harness(t)
  const face = 'careops'
  const { email, user, session } = await register({ phone: null, username: null, password, face })
  t.match(user, { phone: null, phoneVerified: false, email })
  t.match(await refresh(session.refreshToken, face), { body: { proved: true } })
  t.match(await logIn('email', email, password), { status: 200, body: { user: { id: user.id } } }, 'on /v1 too')
  const again = newRegistration({ phone: null, email: email.toUpperCase(), username: null, face })
  t.match(await call('POST', '/registrations', again), { status: 409, body: { errors: [{ path: '/email' }] } })
  const hidden = await register({ ...again, hideConflicts: true })
  t.match(hidden.user, { phone: null, email: again.email })
  t.match(await refresh(hidden.session.refreshToken, face), { body: { proved: false } })
})

t.test('of five who register one e-mail without a phone at once, one gets it', async (t) => {
  const { call } = await harness(t)
  const asked = newRegistration({ phone: null, username: null, face: 'careops' })
  const replies = await Promise.all(Array.from({ length: 5 }, () => call('POST', '/registrations', asked)))
  t.equal(replies.filter(({ status }) => status === 201).length, 1)
  t.equal(replies.filter(({ body }) => body.code === 'account.exists').length, 4)
})

t.test('one hash is made, whatever is held; none for a password that is refused', async (t) => {
  const hasher = counted()
  const { call, signUp } = await harness(t, { hasher })
  const { phone } = await signUp()
  const hashes = async (asked: object) => {
    const before = hasher.count()
    const { status, body } = await call('POST', '/registrations', newRegistration({ password, ...asked }))
    return [status, body.code, hasher.count() - before]
  }
  t.same(await hashes({}), [201, undefined, 1])
  t.same(await hashes({ phone }), [409, 'account.exists', 1])
  t.same(await hashes({ phone, hideConflicts: true }), [201, undefined, 1])
  t.same(await hashes({ password: '12345' }), [400, 'password.weak', 0])
  t.same(await hashes({ password: 'test123' }), [201, undefined, 1], 'documents use common ones')
  t.same(await hashes({ password: 'test123', rules: 'standard' }), [400, 'password.weak', 0])
  for (const impossible of ['plum12\0', 'plum12\ud800', 'x'.repeat(129)])
    t.same(await hashes({ password: impossible }), [400, 'password.weak', 0])
})

t.test('what no account could hold is refused by its field', async (t) => {
  const { call } = await harness(t)
  for (const [path, asked] of [
    ['/name', { name: 'a\0b' }],
    ['/email', { email: 'a\ud800@example.com' }],
    ['/username', { username: 'ryt1' }],
    ['/profile', { profile: { a: '\0' } }],
  ] as const)
    t.match(await call('POST', '/registrations', newRegistration(asked)), {
      status: 400,
      body: { code: 'request.invalid', errors: [{ path }] },
    })
})

t.test('a right password opens a registration on its own face, by every identifier, in one comparison', async (t) => {
  const hasher = counted()
  const { register, logIn, refresh, queries } = await harness(t, { hasher })
  const { phone, email, username, user, client } = await register({ password })
  const registrations = { client, needsProof: false }
  for (const [kind, value] of [
    ['phone', must(phone)],
    ['email', email.toUpperCase()],
    ['username', must(username)],
    ['number', String(user.number)],
  ] as const) {
    const before = hasher.count()
    const reply = await logIn(kind, value, password, { face: 'staged', registrations })
    t.match(reply, { status: 200, body: { user: { id: user.id } } }, kind)
    t.match(await refresh(must(reply.body.session).refreshToken, 'staged'), { body: { proved: false } })
    const wrong = { status: 401, body: { code: 'credentials.wrong' } }
    t.match(await logIn(kind, value, password, { face: 'users-api', registrations }), wrong, 'no other face')
    const lookUps = queries()
    t.match(await logIn(kind, value, 'not it', { face: 'staged', registrations }), wrong)
    t.same([queries() - lookUps, hasher.count() - before], [1, 3], 'one look-up, one hash each')
  }
  const lookUps = [queries(), hasher.count()] as const
  t.match(await logIn('phone', newPhone(), password, { face: 'staged', registrations }), { status: 401 })
  t.same([queries() - lookUps[0], hasher.count() - lookUps[1]], [1, 1], 'and where nobody is')
})

t.test('that a registration is not verified is only said after its right password', async (t) => {
  const { register, logIn } = await harness(t)
  const { email, client } = await register({ password, face: 'jodimilan' })
  const more = { face: 'jodimilan', registrations: { client, needsProof: true } }
  t.match(await logIn('email', email, 'not it', more), { status: 401, body: { code: 'credentials.wrong' } })
  t.match(await logIn('email', email, password, more), { status: 403, body: { code: 'account.unverified' } })
})

t.test('a log-in means the active account, else that of the same client, else the oldest', async (t) => {
  const { register, logIn, prove } = await harness(t)
  const phone = newPhone()
  const [attacker, owner, third] = [
    await register({ phone, password: 'attacker' }),
    await register({ phone, password: 'owner owner' }),
    await register({ phone, password: 'third third' }),
  ]
  const opens = async (tried: string, client: string) => {
    const more = { face: 'staged', registrations: { client, needsProof: false } }
    return (await logIn('phone', phone, tried, more)).body.user?.id
  }
  t.equal(await opens('owner owner', owner.client), owner.user.id)
  t.equal(await opens('third third', third.client), third.user.id)
  t.equal(await opens('attacker', owner.client), undefined, 'one hash: not one after the other')
  t.equal(await opens('attacker', randomUUID()), attacker.user.id, 'a client nobody knows gets the oldest')
  t.equal(await opens('owner owner', randomUUID()), undefined)
  t.match(await prove(third), { status: 200 })
  t.equal(await opens('third third', owner.client), third.user.id)
  t.equal(await opens('owner owner', owner.client), undefined)
})

t.test('a registration is found by the session, as the only one, or as the newest of its client', async (t) => {
  const { register, call, signUp } = await harness(t)
  const find = async (by: object, client: string, userId?: string, face = 'staged') =>
    (await call('POST', '/registrations/find', { face, by, client, ...(userId !== undefined && { userId }) })).body
  const one = await register()
  const phone = must(one.phone)
  const byPhone = { kind: 'phone', value: phone }
  const found = ({ user }: { user: { id: string } }) => ({
    registration: { id: user.id, phone },
    shadow: null,
    proved: false,
  })
  t.same(await find(byPhone, 'stranger'), found(one), 'the only one')
  t.same(await find({ kind: 'email', value: one.email.toUpperCase() }, 'stranger'), found(one))
  t.same(await find(byPhone, one.client, undefined, 'careops'), { registration: null, shadow: null, proved: false })
  const two = await register({ phone })
  const three = await register({ phone, client: two.client })
  t.same(await find(byPhone, 'stranger'), { registration: null, shadow: null, proved: false })
  t.same(await find(byPhone, one.client), found(one))
  t.same(await find(byPhone, two.client), found(three), 'the newest')
  t.same(await find(byPhone, one.client, two.user.id), found(two), 'the session beats the client')
  t.same(await find({ kind: 'email', value: 'a\0b' }, one.client), { registration: null, shadow: null, proved: false })

  const names = newNames()
  const holder = await signUp(names)
  const hidden = await register({ phone: holder.phone, hideConflicts: true })
  t.same(await find({ kind: 'email', value: hidden.email }, 'stranger'), {
    registration: null,
    shadow: { id: hidden.user.id, phone: holder.phone },
    proved: false,
  })
  t.same(await find({ kind: 'phone', value: holder.phone }, 'stranger'), {
    registration: null,
    shadow: null,
    proved: true,
  })
  t.same(await find({ kind: 'email', value: names.email }, 'stranger'), {
    registration: null,
    shadow: null,
    proved: true,
  })
})

t.test('only a young registration can be taken back, and never an account', async (t) => {
  const { register, call, person, prove, advance } = await harness(t)
  const drop = (id: string) => call('DELETE', `/registrations/${id}`)
  const fresh = await register()
  t.match(await drop(fresh.user.id), { status: 204 })
  t.match(await person(fresh.session.id), gone)
  t.match(await drop(fresh.user.id), { status: 204 }, 'again')

  const [proved, withoutPhone, old] = [
    await register(),
    await register({ phone: null, username: null }),
    await register(),
  ]
  await prove(proved)
  await drop(proved.user.id)
  await drop(withoutPhone.user.id)
  advance(61_000)
  await drop(old.user.id)
  for (const { session } of [proved, withoutPhone, old]) t.match(await person(session.id), { status: 200 })
})
