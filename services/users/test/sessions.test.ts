import { randomUUID } from 'node:crypto'
import { createSignedTokens } from '@latchkey/kit/signed-token'
import t from 'tap'
import { type Harness, harness, must, newKey, patiently, type Reply } from './harness.js'

const dayMs = 24 * 3_600_000
const next = ({ body }: Reply) => must(body.session).refreshToken
const generation = async ({ db }: Harness, id: string) =>
  (await db.selectFrom('sessions').select('generation').where('id', '=', id).executeTakeFirstOrThrow()).generation

t.test('a refresh gives the next token of the same session, and the same device token', async (t) => {
  const h = await harness(t)
  const { session, user } = await h.signUp()
  let { refreshToken } = session
  for (let turn = 0; turn < 3; turn += 1) {
    const reply = await h.refresh(refreshToken)
    t.match(reply, {
      status: 200,
      body: { userId: user.id, session: { id: session.id, deviceToken: session.deviceToken } },
    })
    t.not(next(reply), refreshToken)
    refreshToken = next(reply)
  }
  t.equal(await generation(h, session.id), 4)
})

t.test('a hundred parallel refreshes with one token all succeed with one successor, and turn once', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  const replies = await Promise.all(Array.from({ length: 100 }, () => patiently(() => h.refresh(session.refreshToken))))
  t.same([...new Set(replies.map(({ status }) => status))], [200])
  t.equal(new Set(replies.map(next)).size, 1)
  t.equal(await generation(h, session.id), 2)
})

t.test('a lost reply can be asked for again for ten seconds', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  const first = next(await h.refresh(session.refreshToken))
  h.advance(9_000)
  t.equal(next(await h.refresh(session.refreshToken)), first)
  t.match(await h.refresh(first), { status: 200 }, 'and the successor is good')
})

t.test('after ten seconds the spent token ends its session for good, and no other session', async (t) => {
  const h = await harness(t)
  const { session, phone } = await h.signUp()
  const other = must((await h.signIn(phone)).body.session)
  const successor = next(await h.refresh(session.refreshToken))
  h.advance(10_500)
  t.match(await h.refresh(session.refreshToken), { status: 401, body: { code: 'token.invalid' } })
  t.match(await h.refresh(successor), { status: 401 }, 'the revocation was committed')
  t.match(await h.person(session.id), { status: 401 })
  t.match(await h.refresh(other.refreshToken), { status: 200 })
})

t.test('an older token than the last one ends the session at once', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  const second = next(await h.refresh(session.refreshToken))
  const third = next(await h.refresh(second))
  t.match(await h.refresh(session.refreshToken), { status: 401 })
  t.match(await h.refresh(third), { status: 401 })
})

t.test('a forged or malformed token asks no database and ends nothing', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  const successor = next(await h.refresh(session.refreshToken))
  h.advance(60_000)
  const forger = createSignedTokens([newKey('forged')], { prefix: 'lkr_' })
  const spent = session.refreshToken
  const before = h.queries()
  for (const token of [
    'x',
    'lkr_',
    session.deviceToken,
    session.deviceToken.replace('lkd_', 'lkr_'),
    spent.replace('lkr_', 'lkd_'),
    spent.slice(0, -1),
    `${spent}A`,
    `${spent.slice(0, 40)}${spent[40] === 'A' ? 'B' : 'A'}${spent.slice(41)}`,
    forger.sign({ id: session.id, counter: 1 }),
    `lkr_${Buffer.from(randomUUID()).toString('base64url')}`,
  ])
    t.match(await h.refresh(token), { status: 401, body: { code: 'token.invalid' } })
  t.equal(h.queries(), before)
  t.match(await h.refresh(successor), { status: 200 })
})

t.test('a token of another face opens nothing and ends nothing', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  t.match(await h.refresh(session.refreshToken, 'staged'), { status: 401 })
  const successor = next(await h.refresh(session.refreshToken))
  h.advance(60_000)
  t.match(await h.refresh(session.refreshToken, 'staged'), { status: 401 })
  t.match(await h.refresh(successor), { status: 200 })
})

t.test('a token of a turn the database has never seen is refused and ends nothing', async (t) => {
  const ring = [newKey()] as const
  const h = await harness(t, { ring })
  const { session } = await h.signUp()
  const ahead = createSignedTokens(ring, { prefix: 'lkr_' }).sign({ id: session.id, counter: 5 })
  t.match(await h.refresh(ahead), { status: 401 })
  t.match(await h.refresh(session.refreshToken), { status: 200 })
})

t.test('a session ends after 14 idle days, and refreshing keeps it for 30 days at most', async (t) => {
  const h = await harness(t)
  const idle = await h.signUp()
  const busy = await h.signUp()
  let token = busy.session.refreshToken
  for (const days of [13, 13]) {
    h.advance(days * dayMs)
    token = next(await h.refresh(token))
  }
  t.match(await h.refresh(idle.session.refreshToken), { status: 401 })
  t.match(await h.person(idle.session.id), { status: 401 })
  t.match(await h.person(busy.session.id), { status: 200 })
  h.advance(4 * dayMs + 1_000)
  t.match(await h.person(busy.session.id), { status: 401 })
  t.match(await h.refresh(token), { status: 401 })
})

t.test('a disabled account has no live session', async (t) => {
  const h = await harness(t)
  const { session, user } = await h.signUp()
  await h.db.updateTable('users').set({ disabled_at: new Date() }).where('id', '=', user.id).execute()
  t.match(await h.refresh(session.refreshToken), { status: 401 })
  t.match(await h.person(session.id), { status: 401 })
  t.match(await h.call('POST', `/sessions/${session.id}/end`, { all: false }), { status: 401 })
})

t.test('a token survives the change of keys, and a replay across it still gets the one successor', async (t) => {
  const [old, fresh] = [newKey('old'), newKey('new')]
  const before = await harness(t, { ring: [old, fresh] })
  const after = await harness(t, { ring: [fresh, old], url: before.databaseUrl })
  const { session, phone } = await before.signUp()
  const other = must((await before.signIn(phone)).body.session)

  const successor = next(await after.refresh(session.refreshToken))
  t.equal(next(await before.refresh(session.refreshToken)), successor, 'a replica with the other order agrees')
  t.match(await before.refresh(successor), { status: 200 })

  const made = next(await before.refresh(other.refreshToken))
  const again = await after.refresh(other.refreshToken)
  t.equal(next(again), made)
  t.equal(must(again.body.session).deviceToken, other.deviceToken)
})

t.test('a token of a retired key is refused and ends nothing', async (t) => {
  const [old, fresh] = [newKey('old'), newKey('new')]
  const before = await harness(t, { ring: [old] })
  const after = await harness(t, { ring: [fresh], url: before.databaseUrl })
  const { session } = await before.signUp()
  t.match(await after.refresh(session.refreshToken), { status: 401 })
  t.match(await before.refresh(session.refreshToken), { status: 200 })
})
