import t from 'tap'
import { harness, must, newChallengeId } from './harness.js'

const dayMs = 24 * 3_600_000

const knownBy = (phone: string, deviceToken: string) => ({
  identifier: { kind: 'phone', value: phone },
  knownBy: { deviceToken },
})

t.test('a registration ends seven days after its last sign-in; an account never does', async (t) => {
  const { register, prove, logIn, db, services, advance, signUp } = await harness(t)
  const [idle, used, proved, withoutPhone] = [
    await register(),
    await register({ password: 'plum12' }),
    await register(),
    await register({ phone: null, username: null }),
  ]
  const { user } = await signUp()
  await prove(proved)
  const made = [idle, used, proved, withoutPhone, { user }]
  const left = async () => {
    await Promise.all([services.sweeps['registrations']?.(), services.sweeps['registrations']?.()])
    const ids = made.map((one) => one.user.id)
    const rows = await db.selectFrom('users').select('id').where('id', 'in', ids).execute()
    return ids.map((id) => rows.some((row) => row.id === id))
  }
  const signIn = { face: 'staged', registrations: { client: used.client, needsProof: false } }
  advance(7 * dayMs - 60_000)
  t.match(await logIn('phone', must(used.phone), 'plum12', signIn), { status: 200 })
  t.same(await left(), [true, true, true, true, true])
  advance(120_000)
  t.same(await left(), [false, true, true, true, true])
  advance(7 * dayMs)
  t.same(await left(), [false, false, true, true, true])
})

t.test(
  'what is over is kept for its time and then deleted: reset tokens, sessions, the fence of challenges',
  async (t) => {
    const { signUp, call, db, services, advance } = await harness(t)
    const { phone, challengeId, user } = await signUp()
    await call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' })
    const count = async () => {
      for (const name of ['resetTokens', 'sessions', 'challenges']) await services.sweeps[name]?.()
      const of = (table: 'reset_tokens' | 'sessions') =>
        db.selectFrom(table).select('id').where('user_id', '=', user.id).execute()
      const fence = await db
        .selectFrom('consumed_challenges')
        .selectAll()
        .where('challenge_id', '=', challengeId)
        .execute()
      return [(await of('reset_tokens')).length, (await of('sessions')).length, fence.length]
    }
    t.same(await count(), [1, 1, 1])
    advance(dayMs)
    t.same(await count(), [1, 1, 1])
    advance(dayMs)
    t.same(await count(), [0, 1, 1])
    advance(57 * dayMs)
    t.same(await count(), [0, 1, 1], '30 days of life, 30 days kept')
    advance(2 * dayMs)
    t.same(await count(), [0, 0, 1])
    advance(28 * dayMs)
    t.same(await count(), [0, 0, 1], 'a code must stay used for as long as a copy of Redis may bring it back')
    advance(2 * dayMs)
    t.same(await count(), [0, 0, 0])
  },
)

t.test('a device is swept when it has been unknown for as long as a session of it may be kept', async (t) => {
  const { signUp, signIn, call, db, services, advance } = await harness(t)
  const { phone, user, session } = await signUp()
  const { deviceToken } = must((await signIn(phone)).body.session)
  await signIn(phone, deviceToken)
  const left = async () => {
    await Promise.all([services.sweeps['sessions']?.(), services.sweeps['sessions']?.()])
    await Promise.all([services.sweeps['devices']?.(), services.sweeps['devices']?.()])
    return (await db.selectFrom('devices').select('id').where('user_id', '=', user.id).execute()).length
  }
  t.equal(await left(), 3)
  await call('POST', `/sessions/${session.id}/end`, { all: true })
  const fresh = must((await signIn(phone)).body.session)
  advance(61 * dayMs - 60_000)
  t.equal(await left(), 4)
  advance(120_000)
  t.equal(await left(), 1, 'those that the end of all left unknown')
  t.match(await call('POST', '/people/find-phone', knownBy(phone, fresh.deviceToken)), { body: { known: true } })
  advance(119 * dayMs)
  t.equal(await left(), 1)
  t.match(await call('POST', '/people/find-phone', knownBy(phone, fresh.deviceToken)), { body: { known: false } })
  advance(62 * dayMs)
  t.equal(await left(), 0, 'and those that are too old')
})

t.test('no device is swept of which a session is left, however old', async (t) => {
  const { signUp, db, services, person } = await harness(t)
  const { user, session } = await signUp()
  const expires_at = new Date(Date.now() - 400 * dayMs)
  await db.updateTable('devices').set({ expires_at }).where('user_id', '=', user.id).execute()
  await services.sweeps['devices']?.()
  t.match(await person(session.id), { status: 200 })
})

t.test('more than one batch is swept in one go', async (t) => {
  const { db, services } = await harness(t)
  const at = new Date(Date.now() - 200 * dayMs)
  const rows = Array.from({ length: 1_100 }, () => ({ challenge_id: newChallengeId(), consumed_at: at }))
  await db.insertInto('consumed_challenges').values(rows).execute()
  t.ok(((await services.sweeps['challenges']?.()) ?? 0) >= 1_100)
})
