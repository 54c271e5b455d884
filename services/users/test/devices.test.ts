import t from 'tap'
import { harness, must, newChallengeId, newPhone, type Harness } from './harness.js'

const hourMs = 3_600_000
const devices = ({ db }: Harness, userId: string) =>
  db.selectFrom('devices').selectAll().where('user_id', '=', userId).orderBy('id').execute()

t.test('a sign-in with the device token of the account re-issues it and marks the old one, once', async (t) => {
  const h = await harness(t)
  const { phone, user, session } = await h.signUp()
  const second = must((await h.signIn(phone, session.deviceToken)).body.session)
  t.not(second.deviceToken, session.deviceToken)
  const [first, reissued] = await devices(h, user.id)
  t.not(first?.superseded_at, null)
  t.equal(reissued?.superseded_at, null)
  t.equal(must(reissued).expires_at.getTime() - must(reissued).issued_at.getTime(), 180 * 24 * hourMs)

  h.advance(20 * hourMs)
  await h.signIn(phone, session.deviceToken)
  t.same((await devices(h, user.id))[0]?.superseded_at, first?.superseded_at, 'its 24 hours do not begin again')
})

t.test('a sign-in without a device token is a new device, and leaves the others alone', async (t) => {
  const h = await harness(t)
  const { phone, user, session } = await h.signUp()
  const other = must((await h.signIn(phone)).body.session)
  t.not(other.deviceToken, session.deviceToken)
  t.same(
    (await devices(h, user.id)).map((device) => device.superseded_at),
    [null, null],
  )
})

t.test('a bad device token is never an error and changes nothing', async (t) => {
  const h = await harness(t)
  const mine = await h.signUp()
  const theirs = await h.signUp()
  for (const token of [theirs.session.deviceToken, mine.session.refreshToken, 'lkd_AAAA', 'nonsense', '\0'])
    t.match(await h.signIn(mine.phone, token), { status: 200, body: { session: { deviceToken: /^lkd_/ } } })
  for (const { user } of [mine, theirs])
    t.ok((await devices(h, user.id)).every((device) => device.superseded_at === null))
})

t.test('an expired device token re-issues nothing', async (t) => {
  const h = await harness(t)
  const { phone, user, session } = await h.signUp()
  h.advance(181 * 24 * hourMs)
  t.match(await h.signIn(phone, session.deviceToken), { status: 200 })
  t.equal((await devices(h, user.id))[0]?.superseded_at, null)
})

t.test('a sign-up with the token of somebody else’s device gets a device of its own', async (t) => {
  const h = await harness(t)
  const theirs = await h.signUp()
  const mine = await h.signUp({ deviceToken: theirs.session.deviceToken })
  t.not(mine.session.deviceToken, theirs.session.deviceToken)
  t.equal((await devices(h, theirs.user.id))[0]?.superseded_at, null)
})

const known = async ({ call }: Harness, phone: string, knownBy: object) =>
  (await call('POST', '/people/find-phone', { identifier: { kind: 'phone', value: phone }, knownBy })).body['known']

t.test('a device token makes its bearer known at its own account for 180 days, and at no other', async (t) => {
  const h = await harness(t)
  const mine = await h.signUp()
  const theirs = await h.signUp()
  const { deviceToken } = mine.session
  t.equal(await known(h, mine.phone, { deviceToken }), true)
  t.equal(await known(h, theirs.phone, { deviceToken }), false, 'what is good at home is nothing elsewhere')
  t.equal(await known(h, newPhone(), { deviceToken }), false)
  for (const forged of [mine.session.refreshToken, `${deviceToken}x`, 'lkd_AAAA', '\0'])
    t.equal(await known(h, mine.phone, { deviceToken: forged }), false, 'what is no device token is as none')
  t.equal(await known(h, mine.phone, {}), false)
  h.advance(179 * 24 * hourMs)
  t.equal(await known(h, mine.phone, { deviceToken }), true)
  h.advance(2 * 24 * hourMs)
  t.equal(await known(h, mine.phone, { deviceToken }), false)
})

t.test('a device token that was re-issued stays good for 24 hours', async (t) => {
  const h = await harness(t)
  const { phone, session } = await h.signUp()
  const next = must((await h.signIn(phone, session.deviceToken)).body.session)
  h.advance(23 * hourMs)
  t.equal(await known(h, phone, { deviceToken: session.deviceToken }), true)
  h.advance(2 * hourMs)
  t.equal(await known(h, phone, { deviceToken: session.deviceToken }), false)
  t.equal(await known(h, phone, { deviceToken: next.deviceToken }), true)
})

t.test('a live session is as good as a device token, an ended one is as none', async (t) => {
  const h = await harness(t)
  const mine = await h.signUp()
  const theirs = await h.signUp()
  const { id: sessionId } = mine.session
  t.equal(await known(h, mine.phone, { sessionId }), true)
  t.equal(await known(h, theirs.phone, { sessionId }), false)
  await h.call('POST', `/sessions/${sessionId}/end`, { all: false })
  t.equal(await known(h, mine.phone, { sessionId }), false)
})

t.test(
  'who ends the sessions of others leaves their devices unknown: a reset all, a change all but its own',
  async (t) => {
    const h = await harness(t)
    const passwords = { newPassword: 'plum trombone harbour', rules: 'standard' }
    const change = { ...passwords, currentPassword: null, freshWithinSeconds: null }
    const somebody = async () => {
      const { phone, session } = await h.signUp()
      const sessions = [session, must((await h.signIn(phone)).body.session), must((await h.signIn(phone)).body.session)]
      const [first, second] = sessions
      const knownOnes = () => Promise.all(sessions.map(({ deviceToken }) => known(h, phone, { deviceToken })))
      return { phone, first: must(first).id, second: must(second).id, knownOnes }
    }

    const lost = await somebody()
    const asked = { challengeId: newChallengeId(), phone: lost.phone, face: 'v1' }
    const { resetToken } = (await h.call('POST', '/reset-tokens', asked)).body
    t.match(await h.call('POST', '/passwords/reset', { resetToken, ...passwords }), { status: 204 })
    t.same(await lost.knownOnes(), [false, false, false], 'a reset')

    const careful = await somebody()
    t.match(await h.call('POST', `/sessions/${careful.first}/password`, change), { status: 204 })
    t.same(await careful.knownOnes(), [true, false, false], 'a change of password')

    const away = await somebody()
    await h.call('POST', `/sessions/${away.second}/end`, { all: false })
    t.same(await away.knownOnes(), [true, true, true], 'who logs out on his own device comes back on it')
    t.match(await h.call('DELETE', `/sessions/${away.first}/all/${away.second}`), { status: 404 })
    await h.call('POST', `/sessions/${away.first}/end`, { all: true })
    t.same(await away.knownOnes(), [false, false, false], 'the end of all')

    const listed = await somebody()
    t.match(await h.call('DELETE', `/sessions/${listed.first}/all/${listed.second}`), { status: 204 })
    t.same(await listed.knownOnes(), [true, false, true], 'the end of another one')
  },
)

t.test('a known device and one of somebody else cost the same questions', async (t) => {
  const h = await harness(t)
  const mine = await h.signUp()
  const theirs = await h.signUp()
  const cost = async (phone: string, deviceToken: string) => {
    const before = h.queries()
    await known(h, phone, { deviceToken })
    return h.queries() - before
  }
  const own = await cost(mine.phone, mine.session.deviceToken)
  t.equal(await cost(theirs.phone, mine.session.deviceToken), own)
  t.equal(await cost(newPhone(), mine.session.deviceToken), own)
})
