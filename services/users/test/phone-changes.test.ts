import { randomInt } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import { sql } from 'kysely'
import t from 'tap'
import { createPasswordHasher } from '../src/credentials/password-hasher.js'
import { type Harness, harness, must, newChallengeId, newNames, newPhone, patiently } from './harness.js'

const password = 'plum trombone harbour'
const gone = { status: 410, body: { code: 'challenge.gone' } }
const ended = { status: 401, body: { code: 'token.invalid' } }
const hourMs = 3_600_000

const newToken = () => Array.from({ length: 28 }, () => 'abcdefghijklmnopqrstuvwxyz'[randomInt(26)]).join('')

async function somebody(h: Harness) {
  const passwordHash = await createPasswordHasher({ atOnce: 1 }).hash(password)
  const account = await h.signUp({ ...newNames(), passwordHash })
  return { ...account, other: must((await h.signIn(account.phone)).body.session) }
}

const prepare = ({ call }: Harness, sessionId: string, shown: string | null = null) =>
  call('POST', `/sessions/${sessionId}/phone-change`, { password: shown, freshWithinSeconds: 600 })

/** A change that was begun; its code is still to be proved. */
async function begin(h: Harness, session: { id: string }, phone = newPhone()) {
  const { status, body } = await prepare(h, session.id, null)
  if (status !== 200) throw new Error(`prepare: ${status}`)
  const undoToken = newToken()
  const change = { phone, sessionId: session.id, asOf: body['asOf'] as string | null, undoToken }
  const prove = (more: object = {}) =>
    patiently(() => h.call('POST', '/phone-changes', { challengeId: newChallengeId(), ...change, ...more }))
  return { ...change, prove }
}

const undo = ({ call }: Harness, token: string) => call('POST', '/phone-changes/undo', { token })

t.test('a change of phone wants the password, or a sign-in of the last ten minutes; a refresh is none', async (t) => {
  const h = await harness(t)
  const { session, phone } = await somebody(h)
  t.match(await prepare(h, session.id), { status: 200, body: { phone, asOf: null } })
  t.match(await prepare(h, session.id, 'not it'), { status: 401, body: { code: 'credentials.wrong' } })
  h.advance(601_000)
  t.match(await prepare(h, session.id), { status: 403, body: { code: 'forbidden' } })
  await h.refresh(session.refreshToken)
  t.match(await prepare(h, session.id), { status: 403, body: { code: 'forbidden' } })
  t.match(await prepare(h, session.id, password), { status: 200 })
  const bare = await h.signUp()
  t.match(await prepare(h, bare.session.id, password), { status: 401, body: { code: 'credentials.wrong' } })
  t.match(await prepare(h, (await h.register()).session.id), { status: 403, body: { code: 'account.unverified' } })
})

t.test('a proved phone becomes that of the account; every other session, reset token and challenge ends', async (t) => {
  const h = await harness(t)
  const { session, other, phone, user } = await somebody(h)
  const reset = await h.call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' })
  const openedAt = new Date().toISOString()
  h.advance(1_000)
  const change = await begin(h, session)
  const challengeId = newChallengeId()
  t.match(await change.prove({ challengeId }), {
    status: 200,
    body: { user: { id: user.id, phone: change.phone, phoneVerified: true } },
  })
  t.match(await change.prove({ challengeId }), gone, 'once per challenge')
  t.match(await h.person(session.id), { status: 200 })
  t.match(await h.person(other.id), ended)
  const { resetToken } = reset.body
  t.match(await h.call('POST', '/passwords/reset', { resetToken, newPassword: 'another plum', rules: 'standard' }), {
    body: { code: 'reset.gone' },
  })
  const old = { challengeId: newChallengeId(), phone: change.phone, face: 'v1', openedAt }
  t.match(await h.call('POST', '/sign-ins/phone', old), gone, 'of before')
  t.match(await h.signIn(phone), gone, 'the old number is nobody’s')
  t.match(await h.signIn(change.phone), { status: 200 })
})

t.test('a change that is older than a reset, another change, or the end of its session proves nothing', async (t) => {
  const h = await harness(t)
  const mine = await somebody(h)
  const begun = await begin(h, mine.session)
  h.advance(10)
  const body = { newPassword: 'another plum harbour', currentPassword: password, rules: 'standard' }
  await h.call('POST', `/sessions/${mine.session.id}/password`, { ...body, freshWithinSeconds: null })
  t.match(await begun.prove(), gone, 'than a change of password by the same session')

  const two = await somebody(h)
  const [first, second] = [await begin(h, two.session), await begin(h, two.other)]
  t.match(await first.prove(), { status: 200 })
  t.match(await second.prove(), gone, 'than another change')
  t.match((await h.person(two.session.id)).body.user, { phone: first.phone })

  const three = await somebody(h)
  const ending = await begin(h, three.other)
  await h.call('POST', `/sessions/${three.other.id}/end`, { all: false })
  t.match(await ending.prove(), gone, 'than the end of its session')
  t.match((await h.person(three.session.id)).body.user, { phone: three.phone })
})

t.test('a pending change older than a reset dies with it, though its session had been the newest', async (t) => {
  const h = await harness(t)
  const { phone, session } = await somebody(h)
  const thief = must((await h.signIn(phone)).body.session)
  const begun = await begin(h, thief)
  const { resetToken } = (await h.call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' }))
    .body
  t.match(await h.call('POST', '/passwords/reset', { resetToken, newPassword: 'another plum', rules: 'standard' }), {
    status: 204,
  })
  // Even for a session that is not: what was begun before the reset is over by itself.
  const fresh = must((await h.signIn(phone)).body.session)
  for (const sessionId of [thief.id, session.id, fresh.id]) t.match(await begun.prove({ sessionId }), gone)
  t.match((await h.person(fresh.id)).body.user, { phone })
})

t.test('whether a change would be made is told before anybody is, and changes nothing', async (t) => {
  const h = await harness(t)
  const { session, phone } = await somebody(h)
  const taken = await h.signUp()
  const { undoToken: _, prove, ...change } = await begin(h, session)
  const check = (more: object = {}) => h.call('POST', '/phone-changes/check', { ...change, ...more })
  t.match(await check(), { status: 204 })
  t.match((await h.person(session.id)).body.user, { phone })
  t.match(await check({ phone: taken.phone }), { status: 409, body: { code: 'account.exists' } })
  t.match(await check({ asOf: new Date().toISOString() }), gone)
  t.match(await prove(), { status: 200 })
  t.match(await check(), gone, 'a thief who began two changes has none of the second told')
})

t.test('two changes of one account at once: one is made', async (t) => {
  const h = await harness(t)
  const { session } = await somebody(h)
  const changes = await Promise.all(Array.from({ length: 6 }, () => begin(h, session)))
  const replies = await Promise.all(changes.map((change) => change.prove()))
  t.equal(replies.filter(({ status }) => status === 200).length, 1)
  t.ok(replies.every(({ status, body }) => status === 200 || body.code === 'challenge.gone'))
  const won = must(changes[replies.findIndex(({ status }) => status === 200)])
  t.match((await h.person(session.id)).body.user, { phone: won.phone })
})

t.test('a phone is one account’s, whoever proves it first: a change, another change or a sign-up', async (t) => {
  const h = await harness(t)
  const taken = await somebody(h)
  const { session, phone } = await somebody(h)
  const change = await begin(h, session, taken.phone)
  const challengeId = newChallengeId()
  t.match(await change.prove({ challengeId }), { status: 409, body: { code: 'account.exists' } })
  t.match(await change.prove({ challengeId }), gone, 'and the challenge is used')
  t.match((await h.person(session.id)).body.user, { phone })

  const wanted = newPhone()
  const people = [await somebody(h), await somebody(h), await somebody(h)]
  const changes = await Promise.all(people.map((one) => begin(h, one.session, wanted)))
  const signingUp = h.signUp({ phone: wanted }).then(
    () => 200,
    () => 409,
  )
  const statuses = await Promise.all([...changes.map(async (one) => (await one.prove()).status), signingUp])
  t.same(statuses.sort(), [200, 409, 409, 409])
})

t.test('a proof of change ends what others only claimed of the phone', async (t) => {
  const h = await harness(t)
  const claim = await h.register()
  const { session } = await somebody(h)
  t.match(await (await begin(h, session, must(claim.phone))).prove(), { status: 200 })
  t.match(await h.person(claim.session.id), ended)
  t.match(await h.prove(claim), gone)
})

t.test('an undo gives the old phone back, once, and ends all that the change could have led to', async (t) => {
  const h = await harness(t)
  const { session, phone, user } = await somebody(h)
  const change = await begin(h, session)
  await change.prove()
  const later = await begin(h, session)
  const resets = await h.call('POST', '/reset-tokens', {
    challengeId: newChallengeId(),
    phone: change.phone,
    face: 'v1',
  })
  const { resetToken } = resets.body
  const dump = JSON.stringify(await h.db.selectFrom('phone_undos').selectAll().execute())
  t.notMatch(dump, change.undoToken, 'which is nowhere in the database')

  h.advance(1_000)
  t.match(await undo(h, change.undoToken), { status: 204 })
  t.match(await h.person(session.id), ended)
  t.match(await later.prove(), gone)
  t.match(await h.call('POST', '/passwords/reset', { resetToken, newPassword: 'another plum', rules: 'standard' }), {
    body: { code: 'reset.gone' },
  })
  t.match(await h.logIn('phone', phone, password), { status: 401 }, 'whoever made the change may have known it')
  t.match(await h.signIn(change.phone), gone)
  const back = await h.signIn(phone, session.deviceToken)
  t.match(back.body.user, { id: user.id, phone, hasPassword: false })
  const devices = await h.db.selectFrom('devices').selectAll().where('user_id', '=', user.id).orderBy('id').execute()
  t.equal(devices[0]?.superseded_at, null, 'no device from before is known any more')
  t.match(await undo(h, change.undoToken), { status: 410, body: { code: 'undo.gone' } })
})

t.test('of ten undos with one token at once, one is made', async (t) => {
  const h = await harness(t)
  const { session } = await somebody(h)
  const change = await begin(h, session)
  await change.prove()
  const replies = await Promise.all(Array.from({ length: 10 }, () => patiently(() => undo(h, change.undoToken))))
  t.equal(replies.filter(({ status }) => status === 204).length, 1)
  t.ok(replies.every(({ status, body }) => status === 204 || body.code === 'undo.gone'))
})

t.test(
  'the oldest phone of a day has the last word: it undoes every change since, and no younger undo undoes it',
  async (t) => {
    const h = await harness(t)
    const { session, phone } = await somebody(h)
    const first = await begin(h, session)
    await first.prove()
    h.advance(10)
    const second = await begin(h, session)
    await second.prove()
    h.advance(10)
    t.match(await undo(h, second.undoToken), { status: 204 })
    t.match((await h.signIn(first.phone)).body.user, { phone: first.phone })
    t.match(await undo(h, first.undoToken), { status: 204 }, 'an older one stays good')

    const fresh = must((await h.signIn(phone)).body.session)
    const third = await begin(h, fresh)
    await third.prove()
    h.advance(10)
    const fourth = await begin(h, fresh)
    await fourth.prove()
    t.match(await undo(h, third.undoToken), { status: 204 })
    t.match(await undo(h, fourth.undoToken), { body: { code: 'undo.gone' } })
    t.match((await h.signIn(phone)).body.user, { phone })
  },
)

t.test('which undo is the older is told by no clock: one that runs behind gives the last word to nobody', async (t) => {
  const h = await harness(t)
  const { session, phone } = await somebody(h)
  const first = await begin(h, session)
  await first.prove()
  // The change of a thief, through a replica whose clock is behind.
  const second = await begin(h, session)
  h.advance(-hourMs)
  await second.prove()
  h.advance(hourMs)
  t.match(await undo(h, first.undoToken), { status: 204 })
  t.match((await h.signIn(phone)).body.user, { phone })
  t.match(await undo(h, second.undoToken), { status: 410, body: { code: 'undo.gone' } })
})

t.test('an undo is good for 24 hours, and swept after', async (t) => {
  const h = await harness(t)
  const { session } = await somebody(h)
  const change = await begin(h, session)
  await change.prove()
  h.advance(24 * hourMs + 1)
  t.match(await undo(h, change.undoToken), { status: 410, body: { code: 'undo.gone' } })
  t.match(await undo(h, 'nothing'), { status: 410 })
  await h.services.addressUndos.sweep()
  t.same(await h.db.selectFrom('phone_undos').select('user_id').where('user_id', '=', session.id).execute(), [])
})

t.test('where somebody else proved the old phone since, the undo takes it from nobody, and stays good', async (t) => {
  const h = await harness(t)
  const { session, phone } = await somebody(h)
  const change = await begin(h, session)
  await change.prove()
  const newcomer = await h.signUp({ phone })
  t.match(await undo(h, change.undoToken), { status: 409, body: { code: 'account.exists' } })
  t.match(await h.person(newcomer.session.id), { status: 200 })
  t.match(await h.person(session.id), { status: 200 }, 'and ends nothing')
  const path = `/sessions/${newcomer.session.id}/user`
  t.match(await h.call('DELETE', path, { password: null, freshWithinSeconds: 600 }), { status: 204 })
  t.match(await undo(h, change.undoToken), { status: 204 })
})

t.test('an undo that meets somebody who takes the old phone that moment is told that it has an account', async (t) => {
  const h = await harness(t)
  const waiting = async () => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(h.db)
    return must(rows[0]).count
  }
  async function crossed() {
    const { session, phone } = await somebody(h)
    const change = await begin(h, session)
    await change.prove()
    const newcomer = await h.signUp()
    const { undoing } = await h.db.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ phone }).where('id', '=', newcomer.user.id).execute()
      const undoing = undo(h, change.undoToken)
      await eventually('the undo to wait', async () => (await waiting()) === 1)
      return { undoing }
    })
    return undoing
  }
  let reply = await crossed()
  while (reply.status === 503) reply = await crossed()
  t.match(reply, { status: 409, body: { code: 'account.exists' } })
})
