import t from 'tap'
import { createPasswordHasher } from '../src/credentials/password-hasher.js'
import { counted, type Harness, harness, must, newChallengeId, newNames, newPhone } from './harness.js'

const password = 'plum trombone harbour'
const gone = { status: 410, body: { code: 'challenge.gone' } }
const wrong = { status: 401, body: { code: 'credentials.wrong' } }

async function somebody(h: Harness) {
  const passwordHash = await createPasswordHasher({ atOnce: 1 }).hash(password)
  const account = await h.signUp({ ...newNames(), passwordHash })
  const set = (enabled: boolean, shown = password) =>
    h.call('PUT', `/sessions/${account.session.id}/second-factor`, { enabled, password: shown })
  return { ...account, set }
}

interface Wanted {
  userId: string
  phone: string
  asOf: string | null
}

/** The first step of a log-in with two. */
async function begin(h: Harness, phone: string): Promise<Wanted> {
  const { status, body } = await h.logIn('phone', phone, password, { takesSecondFactor: true })
  if (status !== 202) throw new Error(`log-in: ${status}`)
  return body['secondFactor'] as Wanted
}
const finish = ({ call }: Harness, wanted: object, more: object = {}) =>
  call('POST', '/sign-ins/second-factor', { challengeId: newChallengeId(), face: 'v1', ...wanted, ...more })

t.test('a second factor is switched on and off by the password only, however recent the sign-in', async (t) => {
  const h = await harness(t)
  const { set, session } = await somebody(h)
  t.match(await set(true, 'not it'), wrong)
  t.match((await h.person(session.id)).body.user, { secondFactor: false })
  t.match(await set(true), { status: 200, body: { user: { secondFactor: true } } })
  t.match(await set(false, 'not it'), wrong)
  t.match((await h.person(session.id)).body.user, { secondFactor: true })
  t.match(await set(false), { status: 200, body: { user: { secondFactor: false } } })
  const { session: bare } = await h.signUp()
  const path = `/sessions/${bare.id}/second-factor`
  const refused = { status: 403, body: { code: 'forbidden', detail: 'Set a password first.' } }
  t.match(await h.call('PUT', path, { enabled: true, password }), refused, 'where there is none, nothing was guessed')
})

t.test('who has no phone cannot be asked for its code', async (t) => {
  const h = await harness(t)
  const registered = await h.register({ face: 'careops', phone: null, password })
  const path = `/sessions/${registered.session.id}/second-factor`
  t.match(await h.call('PUT', path, { enabled: true, password }), { status: 403, body: { code: 'account.unverified' } })
})

t.test('a right password opens no session then: what it opens is the second step of this log-in', async (t) => {
  const h = await harness(t)
  const { phone, user, set, session } = await somebody(h)
  await set(true)
  t.match(await h.logIn('phone', phone, 'not it', { takesSecondFactor: true }), wrong)
  for (const face of ['v1', 'rently'])
    t.match(await h.logIn('phone', phone, password, { face }), { status: 403, body: { code: 'account.second_factor' } })
  const wanted = await begin(h, phone)
  t.same(Object.keys(wanted).sort(), ['asOf', 'phone', 'userId'])
  const challengeId = newChallengeId()
  const done = await finish(h, wanted, { challengeId, deviceToken: session.deviceToken })
  t.match(done, { status: 200, body: { user: { id: user.id }, session: { refreshToken: String } } })
  t.match(await finish(h, wanted, { challengeId }), gone, 'once per challenge')
  const first = await h.db.selectFrom('devices').selectAll().where('user_id', '=', user.id).orderBy('id').execute()
  t.not(first[0]?.superseded_at, null, 'and the device is known again')
})

t.test(
  'the second step ends where password or phone were changed since the first, or the account was disabled',
  async (t) => {
    const h = await harness(t)
    const { phone, user, set, session } = await somebody(h)
    await set(true)
    const begun = await begin(h, phone)
    t.match(await finish(h, { ...begun, phone: newPhone() }), gone, 'of another phone')
    t.match(await finish(h, { ...begun, asOf: new Date().toISOString() }), gone)
    const other = await somebody(h)
    t.match(await finish(h, { ...begun, userId: other.user.id }), gone, 'of another account')
    h.advance(10)
    const body = { newPassword: 'another plum harbour', currentPassword: password, rules: 'standard' }
    await h.call('POST', `/sessions/${session.id}/password`, { ...body, freshWithinSeconds: null })
    t.match(await finish(h, begun), gone)
    const { body: again } = await h.logIn('phone', phone, 'another plum harbour', { takesSecondFactor: true })
    await h.db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', user.id).execute()
    t.match(await finish(h, again['secondFactor'] as object), { status: 403, body: { code: 'account.disabled' } })
  },
)

t.test('a proved phone opens a session only together with the password, and a wrong one uses nothing up', async (t) => {
  const hasher = counted()
  const h = await harness(t, { hasher })
  const { phone, set } = await somebody(h)
  const ask = (challengeId: string, more: object = {}) =>
    h.call('POST', '/sign-ins/phone', { challengeId, phone, face: 'v1', ...more })
  t.match(await ask(newChallengeId(), { password: 'whatever' }), { status: 200 })
  t.equal(hasher.count(), 0, 'without a second factor nothing is compared')
  await set(true)
  const challengeId = newChallengeId()
  for (const more of [{}, { password: 'not it' }, { password: '' }, { password: '\0' }])
    t.match(await ask(challengeId, more), wrong, JSON.stringify(more))
  t.match(await ask(challengeId, { password }), { status: 200 })
  t.match(await ask(challengeId, { password }), gone)
  t.match(
    await ask(newChallengeId(), { password, face: 'jodimilan' }),
    gone,
    'no face without the step lets anybody in',
  )
})

t.test('a reset switches no second factor off, and only on /v1 there is one', async (t) => {
  const h = await harness(t)
  const { phone, set } = await somebody(h)
  await set(true)
  const ask = (face: string) => h.call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face })
  t.match(await ask('rently'), gone)
  const resetToken = (await ask('v1')).body['resetToken']
  const newPassword = 'another plum harbour'
  await h.call('POST', '/passwords/reset', { resetToken, newPassword, rules: 'standard' })
  t.match(await h.logIn('phone', phone, newPassword, { takesSecondFactor: true }), {
    status: 202,
    body: { secondFactor: { phone } },
  })
  must(phone)
})
