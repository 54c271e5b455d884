import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import { Pool } from 'undici'
import { journey, newPerson, password } from './journey.js'

const profileSchema = JSON.stringify({
  type: 'object',
  properties: { city: { type: 'string', maxLength: 20 }, tags: { type: 'array', items: { type: 'string' } } },
  additionalProperties: false,
})

t.test('sessions and profiles', async (t) => {
  const { stack, call } = await journey(t, { PROFILE_SCHEMA: profileSchema })
  const pool = new Pool(stack.gatewayUrl)
  t.teardown(() => pool.destroy())
  const signIn = async (identifier: string, agent: string) => {
    const { body } = await pool.request({
      method: 'POST',
      path: '/v1/login',
      headers: { 'content-type': 'application/json', 'user-agent': agent },
      body: JSON.stringify({ identifier, password }),
    })
    return ((await body.json()) as { session: { id: string; accessToken: string; refreshToken: string } }).session
  }
  const refresh = (refreshToken: string) => call('POST', '/v1/token/refresh', { refreshToken })

  t.test(
    'a person sees his sessions and ends one of them; a foreign, an unknown and no id look the same',
    async (t) => {
      const { phone, session } = await newPerson(call)
      const stranger = await newPerson(call)
      const other = await signIn(
        phone,
        'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
      )
      const { status, body } = await call('GET', '/v1/sessions', undefined, session.accessToken)
      t.equal(status, 200)
      t.match(body.sessions, [
        { id: session.id, face: 'v1', current: true },
        { id: other.id, face: 'v1', current: false, device: 'Chrome on Android' },
      ])
      t.equal(body.sessions.length, 2)
      for (const secret of [other.refreshToken, phone, stranger.session.id])
        t.notOk(JSON.stringify(body).includes(secret))

      const end = (id: string, token = session.accessToken) => call('DELETE', `/v1/sessions/${id}`, undefined, token)
      const refusals = []
      for (const id of [randomUUID(), stranger.session.id, 'no-id', `${other.id}x`, '%00']) refusals.push(await end(id))
      for (const refusal of refusals)
        t.same([refusal.status, refusal.body], [404, refusals[0]?.body], 'nobody learns whose sessions there are')
      t.equal((await end(other.id)).status, 204)
      t.match(await refresh(other.refreshToken), { status: 401 })
      t.match(await call('GET', '/v1/me', undefined, other.accessToken), { status: 401 })
      for (const id of [session.id, 'no-id'])
        t.match(await end(id, other.accessToken), { status: 401 }, 'an ended session ends nothing')
      t.equal((await call('GET', '/v1/me', undefined, stranger.session.accessToken)).status, 200)
      t.equal((await call('POST', '/v1/logout', { all: true }, session.accessToken)).status, 204)
      t.match(await refresh(session.refreshToken), { status: 401 })
    },
  )

  t.test('two tabs that refresh with one token go on together, turn after turn', async (t) => {
    const { session } = await newPerson(call)
    let tabs = [session.refreshToken, session.refreshToken]
    for (let turn = 0; turn < 5; turn += 1) {
      const answers = await Promise.all(tabs.map(refresh))
      t.same(
        answers.map(({ status }) => status),
        [200, 200],
      )
      tabs = answers.map(({ body }) => body.session.refreshToken)
      t.equal(tabs[0], tabs[1])
    }
  })

  t.test('two generations back ends the session, and stays so though the answer was 401', async (t) => {
    const { session } = await newPerson(call)
    const second = (await refresh(session.refreshToken)).body.session
    const third = (await refresh(second.refreshToken)).body.session
    t.match(await refresh(session.refreshToken), { status: 401, body: { code: 'token.invalid' } })
    for (const { refreshToken } of [third, second, session]) t.match(await refresh(refreshToken), { status: 401 })
    t.match(await call('GET', '/v1/me', undefined, third.accessToken), { status: 401 })
  })

  t.test('a profile that breaks the operator’s schema is refused by its path, and changes nothing', async (t) => {
    const { session } = await newPerson(call, { profile: { city: 'Pune' } })
    const before = (await call('GET', '/v1/me', undefined, session.accessToken)).body.user
    const patch = (body: object) => call('PATCH', '/v1/me', body, session.accessToken)
    const username = `u${randomBytes(5).toString('hex')}`
    for (const [profile, path] of [
      [{ city: 5 }, '/profile/city'],
      [{ city: 'x'.repeat(21) }, '/profile/city'],
      [{ tags: ['a', 1] }, '/profile/tags/1'],
      [{ colour: 'red' }, '/profile/colour'],
    ] as const)
      t.match(await patch({ name: 'Another', username, profile }), {
        status: 400,
        body: { code: 'request.invalid', errors: [{ path }] },
      })
    t.match(await call('POST', '/v1/signup', { phone: '+919812345678', profile: { colour: 'red' } }), {
      status: 400,
      body: { errors: [{ path: '/profile/colour' }] },
    })
    t.same((await call('GET', '/v1/me', undefined, session.accessToken)).body.user, before)
    const taken = await newPerson(call, { username })
    t.match(await patch({ username: taken.user.username, profile: { city: 'Goa' } }), {
      status: 400,
      body: { errors: [{ path: '/username' }] },
    })
    t.same((await call('GET', '/v1/me', undefined, session.accessToken)).body.user, before, 'all of it or nothing')
    t.match(await patch({ profile: { city: 'Goa' } }), { status: 200, body: { user: { profile: { city: 'Goa' } } } })
  })
})
