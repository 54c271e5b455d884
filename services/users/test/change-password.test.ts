import { eventually } from '@latchkey/kit/testing'
import { sql } from 'kysely'
import t from 'tap'
import { createPasswordHasher, type PasswordHasher } from '../src/credentials/password-hasher.js'
import { counted, type Harness, harness, must, newChallengeId, newNames, type Reply } from './harness.js'

const old = 'plum trombone harbour'
const next = 'another plum harbour'
const gone = { status: 410, body: { code: 'reset.gone' } }
const ended = { status: 401, body: { code: 'token.invalid' } }

/** Somebody with a password, two sessions, and what it takes to get at them. */
async function somebody(h: Harness) {
  const passwordHash = await createPasswordHasher({ atOnce: 1 }).hash(old)
  const account = await h.signUp({ ...newNames(), passwordHash })
  const other = must((await h.signIn(account.phone)).body.session)
  return { ...account, email: must(account.user.email), other }
}

async function tokenFor({ call }: Harness, phone: string, more: object = {}): Promise<string> {
  const body = { challengeId: newChallengeId(), phone, face: 'v1', ...more }
  return must((await call('POST', '/reset-tokens', body)).body['resetToken']) as string
}

const reset = ({ call }: Harness, resetToken: string, more: object = {}) =>
  call('POST', '/passwords/reset', { resetToken, newPassword: next, rules: 'standard', ...more })

const change = ({ call }: Harness, sessionId: string, more: object = {}) =>
  call('POST', `/sessions/${sessionId}/password`, {
    newPassword: next,
    currentPassword: null,
    rules: 'standard',
    freshWithinSeconds: null,
    ...more,
  })

t.test(
  'a reset sets the password once, and ends every session, reset token and challenge of the account',
  async (t) => {
    const h = await harness(t)
    const { phone, session, other } = await somebody(h)
    const stranger = await somebody(h)
    const [token, second] = [await tokenFor(h, phone), await tokenFor(h, phone)]
    const openedAt = new Date().toISOString()
    h.advance(1_000)
    t.match(await reset(h, token), { status: 204 })
    t.match(await h.logIn('phone', phone, old), { status: 401 })
    t.match(await h.logIn('phone', phone, next), { status: 200 })
    for (const { id } of [session, other]) t.match(await h.person(id), ended)
    for (const spent of [token, second]) t.match(await reset(h, spent), gone)

    const challengeId = newChallengeId()
    const signIn = (body: object) => h.call('POST', '/sign-ins/phone', { challengeId, phone, face: 'v1', ...body })
    t.match(await signIn({ openedAt }), { status: 410, body: { code: 'challenge.gone' } })
    t.match(await signIn({}), { status: 410 }, 'and it is used up')
    const late = { challengeId: newChallengeId(), phone, face: 'v1', openedAt }
    t.match(await h.call('POST', '/reset-tokens', late), { status: 410, body: { code: 'challenge.gone' } })
    h.advance(1_000)
    const newer = { challengeId: newChallengeId(), openedAt: new Date(Date.now() + 2_000).toISOString() }
    t.match(await signIn(newer), { status: 200 }, 'one that is newer is good')
    t.match(await h.person(stranger.session.id), { status: 200 })
    t.match(await h.logIn('phone', stranger.phone, old), { status: 200 })
  },
)

t.test('a reset token that is forged, expired or meant for another account sets nothing', async (t) => {
  const h = await harness(t)
  const { phone, email } = await somebody(h)
  const stranger = await somebody(h)
  const token = await tokenFor(h, phone)
  t.match(await reset(h, `${token.slice(0, -2)}AA`), gone)
  t.match(await reset(h, 'lkp_nothing'), gone)
  t.match(await reset(h, token, { email: stranger.email }), gone)
  t.match(await reset(h, token, { email: email.toUpperCase() }), { status: 204 }, 'the try for another spent nothing')
  const late = await tokenFor(h, stranger.phone)
  h.advance(15 * 60_000 + 1)
  t.match(await reset(h, late), gone)
  t.match(await h.logIn('phone', stranger.phone, old), { status: 200 })
})

t.test('where the account has no e-mail, none can match', async (t) => {
  const h = await harness(t)
  const { phone } = await h.signUp()
  t.match(await reset(h, await tokenFor(h, phone), { email: newNames().email }), gone)
})

t.test('a password that is refused spends no reset token and no hash', async (t) => {
  const hasher = counted()
  const h = await harness(t, { hasher })
  const { phone, email } = await somebody(h)
  const token = await tokenFor(h, phone)
  for (const newPassword of ['short', 'password1', phone, email])
    t.match(await reset(h, token, { newPassword }), { status: 400, body: { code: 'password.weak' } }, newPassword)
  t.match(await reset(h, token, { newPassword: '12345', rules: 'lenient' }), { body: { code: 'password.weak' } })
  t.equal(hasher.count(), 0)
  t.match(await reset(h, token, { newPassword: 'test123', rules: 'lenient' }), { status: 204 })
})

t.test('of ten resets with one token at once, one sets its password', async (t) => {
  const h = await harness(t)
  const { phone } = await somebody(h)
  const token = await tokenFor(h, phone)
  const passwords = Array.from({ length: 10 }, (_, at) => `plum harbour ${at}`)
  const replies = await Promise.all(passwords.map((newPassword) => reset(h, token, { newPassword })))
  t.equal(replies.filter(({ status }) => status === 204).length, 1)
  t.ok(replies.every(({ status, body }) => status === 204 || status === 503 || body.code === 'reset.gone'))
  const good = replies.findIndex(({ status }) => status === 204)
  t.match(await h.logIn('phone', phone, must(passwords[good])), { status: 200 })
})

t.test('a change ends every other session and every reset token, and its own session goes on', async (t) => {
  const h = await harness(t)
  const { phone, session, other } = await somebody(h)
  const token = await tokenFor(h, phone)
  const openedAt = new Date().toISOString()
  h.advance(1_000)
  t.match(await change(h, session.id, { currentPassword: old.normalize('NFD') }), { status: 204 })
  t.match(await h.person(session.id), { status: 200 })
  t.match(await h.person(other.id), ended)
  t.match(await reset(h, token), gone)
  const challenge = { challengeId: newChallengeId(), phone, face: 'v1', openedAt }
  t.match(await h.call('POST', '/sign-ins/phone', challenge), { status: 410 })
  t.match(await h.logIn('phone', phone, next), { status: 200 })
})

t.test('once a password is set a change wants it', async (t) => {
  const h = await harness(t)
  const { phone, session } = await somebody(h)
  for (const currentPassword of [null, 'not it', '', `${old}\0`, 'x'.repeat(500)])
    t.match(await change(h, session.id, { currentPassword }), { status: 401, body: { code: 'credentials.wrong' } })
  t.match(await change(h, session.id, { currentPassword: old, newPassword: phone }), {
    body: { code: 'password.weak' },
  })
  t.match(await h.logIn('phone', phone, old), { status: 200 })
})

t.test('where no password is set yet the sign-in must be recent, if the face says so', async (t) => {
  const h = await harness(t)
  const { session, phone } = await h.signUp()
  h.advance(301_000)
  t.match(await change(h, session.id, { freshWithinSeconds: 300 }), { status: 403, body: { code: 'forbidden' } })
  await h.refresh(session.refreshToken)
  t.match(await change(h, session.id, { freshWithinSeconds: 300 }), { status: 403 }, 'a refresh is no sign-in')
  const fresh = must((await h.signIn(phone)).body.session)
  t.match(await change(h, fresh.id, { freshWithinSeconds: 300 }), { status: 204 })

  const staged = await h.register()
  t.match(await change(h, staged.session.id), { status: 403, body: { code: 'account.unverified' } })
  await h.prove(staged)
  h.advance(86_400_000)
  t.match(await change(h, staged.session.id, { newPassword: 'test123', rules: 'lenient' }), { status: 204 })
  t.match(await change(h, 'ffffffff-0000-7000-8000-000000000000'), ended)
})

t.test('a change that another one overtook sets nothing', async (t) => {
  const real = createPasswordHasher({ atOnce: 2 })
  let meanwhile = async () => {}
  const hasher: PasswordHasher = {
    ...real,
    hash: async (text) => {
      const made = await real.hash(text)
      await meanwhile()
      return made
    },
  }
  const h = await harness(t, { hasher })
  const { phone, user, session } = await somebody(h)
  const overtaking = await real.hash('the one that overtook')
  const changed = () => ({ password_hash: overtaking, credentials_changed_at: new Date() })
  meanwhile = async () => {
    await h.db.updateTable('users').set(changed()).where('id', '=', user.id).execute()
  }
  t.match(await change(h, session.id, { currentPassword: old }), { status: 401, body: { code: 'credentials.wrong' } })
  t.match(await h.logIn('phone', phone, 'the one that overtook'), { status: 200 })
  meanwhile = async () => void (await h.call('POST', `/sessions/${session.id}/end`, { all: false }))
  t.match(await change(h, session.id, { currentPassword: 'the one that overtook' }), ended)
})

/** Asks of a fresh session, while something that ends it is held until the question waits for it. */
async function behindItsEnd(h: Harness, ask: (sessionId: string) => Promise<Reply>) {
  const waiting = async () => {
    const { rows } = await sql<{ count: number }>`select count(*)::int as count from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(h.db)
    return must(rows[0]).count
  }
  const { user, session, phone } = await h.signUp()
  const { asked } = await h.db.transaction().execute(async (trx) => {
    const at = new Date()
    await trx.updateTable('users').set({ credentials_changed_at: at }).where('id', '=', user.id).execute()
    await trx.updateTable('sessions').set({ revoked_at: at }).where('user_id', '=', user.id).execute()
    const asked = ask(session.id)
    await eventually('the question to wait', async () => (await waiting()) === 1)
    return { asked }
  })
  return { phone, reply: await asked }
}

t.test('what waited behind the undo that ended its session changes and deletes nothing', async (t) => {
  const h = await harness(t)
  const shown = { password: null, freshWithinSeconds: 600 }
  const questions: ((sessionId: string) => Promise<Reply>)[] = [
    (sessionId) => change(h, sessionId, { freshWithinSeconds: 600 }),
    (sessionId) => h.call('DELETE', `/sessions/${sessionId}/user`, shown),
  ]
  for (const ask of questions) {
    let { phone, reply } = await behindItsEnd(h, ask)
    while (reply.status === 503) ({ phone, reply } = await behindItsEnd(h, ask))
    t.match(reply, { status: 401, body: { code: 'credentials.wrong' } })
    t.match((await h.signIn(phone)).body.user, { hasPassword: false })
  }
})
