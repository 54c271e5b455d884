import { randomUUID } from 'node:crypto'
import t from 'tap'
import { adminRole } from '../src/people/people.service.js'
import { blank, harness, must, newChallengeId, newPhone, sql } from './harness.js'

const by = { operator: 'alice' }

t.test('an admin is admitted by the session he has, from the moment he is one until he is none', async (t) => {
  const h = await harness(t)
  const { phone, user, session } = await h.signUp({ role: 'tenant' })
  const audit = () => h.call('POST', '/audit', { by: { sessionId: session.id } })
  t.match(await audit(), { status: 403, body: { code: 'forbidden' } })
  t.match(await h.call('POST', '/admins', { by, phone, why: 'runs the place' }), {
    status: 200,
    body: { changed: true, admin: { id: user.id, phone: `••••••••${phone.slice(-2)}` } },
  })
  t.match(await h.call('POST', '/admins', { by, phone }), { status: 200, body: { changed: false } })
  t.match(await audit(), { status: 200 })
  t.match(await h.person(session.id), { body: { user: { role: adminRole } } })
  const { body } = await h.call('POST', '/admins/list', { by })
  t.match(body['admins'], [{ id: user.id }])
  t.notMatch(JSON.stringify(body), phone)

  t.match(await h.call('POST', '/admins/revoke', { by, admin: { phone } }), { status: 200 })
  t.match(await audit(), { status: 403, body: { code: 'forbidden' } }, 'the very next call')
  t.match(await h.person(session.id), { body: { user: { role: 'tenant' } } }, 'he is what he was before')
  t.match(await h.call('POST', '/admins/revoke', { by, admin: { id: user.id } }), { status: 404 })
})

t.test('each act is in the audit with its effect, and neither is there without the other', async (t) => {
  const h = await harness(t)
  const { phone, user, session } = await h.signUp()
  const entries = async (page = {}) =>
    (await h.call('POST', '/audit', { by, ...page })).body['entries'] as { id: number }[]
  await h.call('POST', '/admins', { by, phone, why: 'on call' })
  await h.call('POST', '/admins/revoke', { by: { operator: 'bob' }, admin: { id: user.id } })
  const own = (await entries()).filter((entry) => 'target' in entry && entry.target === user.id)
  t.match(own, [
    { actor: 'cli:bob', action: 'admin.revoke', target: user.id, why: null, detail: { from: 'admin', to: 'user' } },
    {
      actor: 'cli:alice',
      action: 'admin.create',
      target: user.id,
      why: 'on call',
      detail: { from: 'user', to: 'admin' },
    },
  ])
  t.notMatch(JSON.stringify(own), phone)
  const [newest] = await entries({ limit: 1 })
  t.ok(
    (await entries({ before: newest?.id })).every(({ id }) => id < (newest?.id ?? 0)),
    'page by page',
  )

  await sql(h.databaseUrl, 'alter table audit add constraint full_up check (actor <> $$cli:carol$$)')
  t.equal((await h.call('POST', '/admins', { by: { operator: 'carol' }, phone })).status, 500)
  t.match(await h.call('POST', '/audit', { by: { sessionId: session.id } }), { status: 403 }, 'no act without its line')
})

t.test('nobody signs up as an admin, and only who has proved a phone becomes one', async (t) => {
  const h = await harness(t)
  const phone = newPhone()
  const signUp = { challengeId: newChallengeId(), face: 'v1', account: { ...blank, phone, role: adminRole } }
  t.match(await h.call('POST', '/sign-ups', signUp), { status: 400, body: { errors: [{ path: '/account/role' }] } })
  t.match(await h.call('POST', '/admins', { by, phone }), { status: 404 })
  const registered = await h.register({ phone })
  t.match(
    await h.call('POST', '/admins', { by, phone: registered.phone ?? phone }),
    { status: 404 },
    'it is only claimed',
  )
  const disabled = await h.signUp()
  await sql(h.databaseUrl, 'update users set disabled_at = now() where id = $1', [disabled.user.id])
  t.match(await h.call('POST', '/admins', { by, phone: disabled.phone }), {
    status: 403,
    body: { code: 'account.disabled' },
  })
})

t.test('an ended or unknown session is 401; a reason that cannot be stored is refused, and nothing done', async (t) => {
  const h = await harness(t)
  const { phone, session } = await h.signUp()
  await h.call('POST', '/admins', { by, phone })
  await h.call('POST', `/sessions/${session.id}/end`, { all: false })
  for (const sessionId of [session.id, randomUUID()])
    t.match(await h.call('POST', '/audit', { by: { sessionId } }), { status: 401, body: { code: 'token.invalid' } })
  const other = await h.signUp()
  t.match(await h.call('POST', '/admins', { by, phone: other.phone, why: 'a\0b' }), {
    status: 400,
    body: { errors: [{ path: '/why' }] },
  })
  const signedIn = must((await h.signIn(other.phone)).body.session)
  t.match(await h.person(signedIn.id), { body: { user: { role: 'user' } } })
})
