import { randomUUID } from 'node:crypto'
import t from 'tap'
import { harness, must, newNames } from './harness.js'

t.test('a person changes name, username and profile; what is left out stays, null clears', async (t) => {
  const { signUp, call, person } = await harness(t)
  const { username } = newNames()
  const { session, user } = await signUp({ name: 'Asha', profile: { a: 1 } })
  const patch = (body: object) => call('PATCH', `/sessions/${session.id}/user`, body)
  t.match(await patch({ username: username.toUpperCase() }), {
    status: 200,
    body: { user: { username, name: 'Asha' } },
  })
  t.match(await patch({ profile: { b: [true] } }), {
    body: { user: { username, name: 'Asha', profile: { b: [true] } } },
  })
  const cleared = must((await patch({ name: null, username: null })).body.user)
  t.match(cleared, { name: null, username: null, profile: { b: [true] } })
  t.ok(cleared.updatedAt > user.updatedAt)
  t.same((await person(session.id)).body.user, cleared)
})

t.test('a taken username is refused by name, whoever comes first in whatever case', async (t) => {
  const { signUp, call } = await harness(t)
  const { username } = newNames()
  const people = await Promise.all(Array.from({ length: 8 }, () => signUp()))
  const replies = await Promise.all(
    people.map(({ session }, at) =>
      call('PATCH', `/sessions/${session.id}/user`, { username: at % 2 === 0 ? username : username.toUpperCase() }),
    ),
  )
  t.equal(replies.filter(({ status }) => status === 200).length, 1)
  const refused = replies.filter(({ status }) => status === 400)
  t.equal(refused.length, 7)
  t.match(refused[0]?.body, { code: 'request.invalid', errors: [{ path: '/username' }] })
})

t.test('a username of the wrong shape, and text nobody can store, are refused by name', async (t) => {
  const { signUp, call } = await harness(t)
  const { session } = await signUp()
  for (const [path, body] of [
    ['/username', { username: 'ab' }],
    ['/username', { username: 'ryt42' }],
    ['/username', { username: 'Ryt1' }],
    ['/username', { username: 'a b c' }],
    ['/username', { username: 'käse' }],
    ['/username', { username: '' }],
    ['/name', { name: '\0' }],
    ['/profile', { profile: { a: '\udc00' } }],
  ] as const)
    t.match(await call('PATCH', `/sessions/${session.id}/user`, body), { status: 400, body: { errors: [{ path }] } })
  for (const username of ['ryt', 'ryt-1', 'rytm42', 'a.b'])
    t.match(await call('PATCH', `/sessions/${session.id}/user`, { username }), { status: 200 })
})

t.test('an ended session opens nothing any more, and cannot be ended twice', async (t) => {
  const { signUp, signIn, call, person, refresh } = await harness(t)
  const { session, phone } = await signUp()
  const other = must((await signIn(phone)).body.session)
  const end = () => call('POST', `/sessions/${session.id}/end`, { all: false })
  t.equal((await end()).status, 204)
  t.match(await end(), { status: 401, body: { code: 'token.invalid' } })
  t.match(await person(session.id), { status: 401 })
  t.match(await refresh(session.refreshToken), { status: 401 })
  t.match(await call('PATCH', `/sessions/${session.id}/user`, { name: 'x' }), { status: 401 })
  t.match(await call('POST', `/sessions/${session.id}/end`, { all: true }), { status: 401 })
  t.match(await person(other.id), { status: 200 }, 'another session is untouched')
})

t.test('all sessions of the account can be ended at once, from several of them together', async (t) => {
  const { signUp, signIn, call, person } = await harness(t)
  const { session, phone } = await signUp()
  const stranger = await signUp()
  const more = await Promise.all(Array.from({ length: 5 }, () => signIn(phone)))
  const ids = [session.id, ...more.map(({ body }) => must(body.session).id)]
  const replies = await Promise.all(ids.map((id) => call('POST', `/sessions/${id}/end`, { all: true })))
  t.ok(replies.some(({ status }) => status === 204))
  t.ok(
    replies.every(({ status }) => status === 204 || status === 401),
    'nobody was locked out of it',
  )
  for (const id of ids) t.match(await person(id), { status: 401 })
  t.match(await person(stranger.session.id), { status: 200 })
})

t.test('an unknown session is as invalid as an ended one', async (t) => {
  const { call, person } = await harness(t)
  t.match(await person(randomUUID()), { status: 401, body: { code: 'token.invalid' } })
  t.match(await call('PATCH', `/sessions/${randomUUID()}/user`, { name: 'x' }), { status: 401 })
  t.match(await call('POST', `/sessions/${randomUUID()}/end`, { all: false }), { status: 401 })
  t.match(await person('not-a-uuid'), { status: 400 })
})
