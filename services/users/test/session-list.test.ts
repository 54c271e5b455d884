import { randomUUID } from 'node:crypto'
import t from 'tap'
import { deviceName } from '../src/sessions/device-name.js'
import { type Harness, harness, internalSecret, must, newChallengeId, sql } from './harness.js'

const iphone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'

/** Signs in as a program that the gateway names. */
async function signInFrom({ app }: Harness, userAgent: string, phone: string) {
  const answer = await app.inject({
    method: 'POST',
    url: '/internal/sign-ins/phone',
    headers: { authorization: `Bearer ${internalSecret}`, 'user-agent': userAgent },
    payload: { challengeId: newChallengeId(), phone, face: 'staged' },
  })
  return answer.json().session
}
const listed = async ({ call }: Harness, id: string) => {
  const { body } = await call('GET', `/sessions/${id}/all`)
  return body['sessions'] as Record<string, unknown>[]
}

t.test(
  'a person sees where he is signed in: this session first, then those used last, and nothing secret',
  async (t) => {
    const h = await harness(t)
    const { session, phone } = await h.signUp()
    await h.signUp()
    h.advance(60_000)
    const phoneSession = await signInFrom(h, iphone, phone)
    const ended = must((await h.signIn(phone)).body.session)
    await h.call('POST', `/sessions/${ended.id}/end`, { all: false })
    h.advance(60_000)
    await h.refresh(session.refreshToken)
    const found = await listed(h, phoneSession.id)
    t.match(found, [
      { id: phoneSession.id, face: 'staged', device: 'Safari on iOS', current: true },
      { id: session.id, face: 'v1', current: false },
    ])
    t.equal(found.length, 2, 'neither ended ones nor those of others')
    for (const one of found)
      t.same(Object.keys(one).sort(), ['createdAt', 'current', 'device', 'face', 'id', 'lastUsedAt'])
    t.ok(String(found[1]?.['lastUsedAt']) > String(found[1]?.['createdAt']), 'a refresh is a use')
    t.equal(found[0]?.['lastUsedAt'], found[0]?.['createdAt'])
  },
)

t.test('sessions that are over are not listed, and open no list', async (t) => {
  const h = await harness(t)
  const { session, phone } = await h.signUp()
  h.advance(13 * 24 * 3_600_000)
  const later = must((await h.signIn(phone)).body.session)
  t.equal((await listed(h, later.id)).length, 2)
  h.advance(2 * 24 * 3_600_000)
  t.equal((await listed(h, later.id)).length, 1, 'idle too long')
  t.match(await h.call('GET', `/sessions/${session.id}/all`), { status: 401, body: { code: 'token.invalid' } })
})

t.test('one of one’s own sessions can be ended; an unknown, a foreign and an ended one look the same', async (t) => {
  const h = await harness(t)
  const { session, phone } = await h.signUp()
  const stranger = await h.signUp()
  const other = must((await h.signIn(phone)).body.session)
  const end = (id: string, by = session.id) => h.call('DELETE', `/sessions/${by}/all/${id}`)
  t.equal((await end(other.id)).status, 204)
  t.match(await h.refresh(other.refreshToken), { status: 401 })
  t.match(await h.person(other.id), { status: 401 })
  const [unknown, foreign, again] = [await end(randomUUID()), await end(stranger.session.id), await end(other.id)]
  t.match(unknown, { status: 404, body: { code: 'not.found' } })
  t.same([foreign.status, foreign.body], [unknown.status, unknown.body])
  t.same([again.status, again.body], [unknown.status, unknown.body])
  t.match(await h.person(stranger.session.id), { status: 200 }, 'the foreign one goes on')
  t.match(await end(stranger.session.id, other.id), { status: 401 }, 'an ended session ends nothing')
  t.equal((await end(session.id)).status, 204, 'the one that asks too')
  t.match(await h.person(session.id), { status: 401 })
})

t.test('a device is known by its program and system, coarsely, whatever it calls itself', async (t) => {
  for (const [agent, name] of [
    [iphone, 'Safari on iOS'],
    [
      'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
      'Chrome on Android',
    ],
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Windows'],
    ['AcmeApp/4.1 CFNetwork/1490.0.4 Darwin/23.2.0', 'AcmeApp'],
    ['', null],
    [undefined, null],
    ['<script>alert(1)</script>', null],
    ['x'.repeat(9_000), null],
  ] as const)
    t.equal(deviceName(agent), name, (agent ?? 'none').slice(0, 40))
})

t.test('an account with more sessions than are listed still sees the one that asks', async (t) => {
  const h = await harness(t)
  const { session } = await h.signUp()
  await sql(
    h.databaseUrl,
    `insert into sessions (id, user_id, device_id, face, token_key_id, created_at, idle_expires_at, expires_at)
      select gen_random_uuid(), user_id, device_id, face, token_key_id, created_at + interval '1 second', idle_expires_at, expires_at
      from sessions, generate_series(1, 120) where id = $1`,
    [session.id],
  )
  const found = await listed(h, session.id)
  t.equal(found.length, 100)
  t.match(found[0], { id: session.id, current: true })
})
