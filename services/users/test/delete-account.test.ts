import t from 'tap'
import { createPasswordHasher } from '../src/credentials/password-hasher.js'
import { type Harness, harness, must, newChallengeId, newNames, newPhone, sql } from './harness.js'

const password = 'plum trombone harbour'

const remove = ({ call }: Harness, sessionId: string, shown: string | null = null) =>
  call('DELETE', `/sessions/${sessionId}/user`, { password: shown, freshWithinSeconds: 600 })

/** Every row of every table that holds one of these. */
async function rowsWith(url: string, marks: readonly string[]): Promise<string[]> {
  const tables = await sql(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  )
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const rows = await sql(url, `select to_jsonb(t)::text as row from "${String(name)}" t`)
      return rows.filter(({ row }) => marks.some((mark) => String(row).includes(mark))).map(() => String(name))
    }),
  )
  return found.flat()
}

t.test('an account is deleted by the password, or soon after the sign-in; a refresh is none', async (t) => {
  const h = await harness(t)
  const passwordHash = await createPasswordHasher({ atOnce: 1 }).hash(password)
  const { session } = await h.signUp({ passwordHash })
  h.advance(601_000)
  await h.refresh(session.refreshToken)
  t.match(await remove(h, session.id), { status: 403, body: { code: 'forbidden' } })
  t.match(await remove(h, session.id, 'not it'), { status: 401, body: { code: 'credentials.wrong' } })
  t.match(await remove(h, session.id, password), { status: 204 })
  t.match(await remove(h, session.id, password), { status: 401, body: { code: 'token.invalid' } })
  const { session: fresh } = await h.signUp()
  t.match(await remove(h, fresh.id), { status: 204 })
})

t.test('nothing of a deleted person is left but that his challenges were used, and his phone is free', async (t) => {
  const h = await harness(t)
  const names = newNames()
  const { phone, user, session, challengeId } = await h.signUp({ ...names, name: 'Asha Rao' })
  const staged = must((await h.signIn(phone)).body.session)
  await h.call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' })
  const undoToken = 'a'.repeat(28)
  const messageId = 'b0000000-0000-4000-8000-000000000000'
  await h.services.deliveries.record({
    v: 1,
    messageId,
    challengeId,
    generation: 1,
    purpose: 'sign_up',
    country: 'IN',
    requestId: 'r1',
    state: 'delivered',
    at: new Date().toISOString(),
  })
  const moved = newPhone()
  const change = { challengeId: newChallengeId(), phone: moved, sessionId: session.id, asOf: null, undoToken }
  t.match(await h.call('POST', '/phone-changes', change), { status: 200 })
  const marks = [user.id, phone, moved, names.email, names.username, 'Asha Rao', session.id, staged.id]
  t.same((await rowsWith(h.databaseUrl, marks)).includes('phone_undos'), true, 'the search finds what is there')

  t.match(await remove(h, session.id), { status: 204 })
  t.same(await rowsWith(h.databaseUrl, marks), [])
  t.same((await rowsWith(h.databaseUrl, [challengeId])).sort(), ['consumed_challenges', 'sms_messages'])
  t.match(await h.call('POST', '/phone-changes/undo', { token: undoToken }), { body: { code: 'undo.gone' } })
  t.match(await h.refresh(session.refreshToken), { status: 401 })
  const again = await h.signUp({ phone, ...names })
  t.not(again.user.id, user.id)
  t.same(again.conflicts, [])
})

t.test('a code that was sent to an account of before opens nothing of the next account of its phone', async (t) => {
  const h = await harness(t)
  const { phone, session } = await h.signUp()
  const openedAt = new Date().toISOString()
  const begun = { challengeId: newChallengeId(), phone, face: 'v1', openedAt }
  t.match(await remove(h, session.id), { status: 204 })
  h.advance(1_000)
  await h.signUp({ phone })
  t.match(await h.call('POST', '/sign-ins/phone', begun), { status: 410, body: { code: 'challenge.gone' } })
  t.match(await h.call('POST', '/reset-tokens', { ...begun, challengeId: newChallengeId() }), { status: 410 })
})
