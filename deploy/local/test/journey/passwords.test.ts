import t from 'tap'
import { codeFromInbox, journey, newPerson, password, randomPhone } from './journey.js'

const another = 'a different horse battery staple'

t.test('passwords on /v1', async (t) => {
  const { call } = await journey(t)
  const logIn = (identifier: string, secret: string) => call('POST', '/v1/login', { identifier, password: secret })

  t.test('a forgotten one is set by the token that a code gave, once, and every session ends', async (t) => {
    const { phone, session } = await newPerson(call)
    const { body } = await call('POST', '/v1/password/forgot', { identifier: phone })
    const code = await codeFromInbox(call, phone, 2)
    const { resetToken } = (await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })).body
    const reset = (newPassword: string) => call('POST', '/v1/password/reset', { resetToken, newPassword })
    t.match(await reset('short1'), { status: 400, body: { code: 'password.weak' } }, 'which spends nothing')
    t.match(await reset(another), { status: 204, body: null })
    t.match(await reset(another), { status: 410, body: { code: 'reset.gone' } })
    t.equal((await call('GET', '/v1/me', undefined, session.accessToken)).status, 401)
    t.equal((await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken })).status, 401)
    t.equal((await logIn(phone, password)).status, 401)
    t.equal((await logIn(phone, another)).status, 200)
    t.match(await call('POST', '/v1/password/reset', { resetToken: 'x', newPassword: another }), {
      status: 410,
      body: { code: 'reset.gone' },
    })
  })

  t.test('a known one is changed with the current one, and the other sessions end', async (t) => {
    const { phone, session } = await newPerson(call)
    const other = (await logIn(phone, password)).body.session
    const change = (body: object, token?: string) => call('POST', '/v1/me/password', body, token)
    t.match(await change({ newPassword: another }), { status: 401, body: { code: 'token.invalid' } })
    for (const body of [{ newPassword: another }, { newPassword: another, currentPassword: 'not this' }])
      t.match(await change(body, session.accessToken), { status: 401, body: { code: 'credentials.wrong' } })
    t.match(await change({ newPassword: another, currentPassword: password, colour: 'red' }, session.accessToken), {
      status: 400,
      body: { errors: [{ path: '/colour' }] },
    })
    t.match(await change({ newPassword: another, currentPassword: password }, session.accessToken), { status: 204 })
    t.equal((await call('GET', '/v1/me', undefined, session.accessToken)).status, 200)
    t.equal((await call('GET', '/v1/me', undefined, other.accessToken)).status, 401)
    t.equal((await logIn(phone, another)).status, 200)
  })

  t.test('a first one is set without, soon after the sign-in', async (t) => {
    const phone = randomPhone()
    const { body } = await call('POST', '/v1/signup', { phone })
    const code = await codeFromInbox(call, phone)
    const { session } = (await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })).body
    t.match(await call('POST', '/v1/me/password', { newPassword: another }, session.accessToken), { status: 204 })
    t.equal((await logIn(phone, another)).status, 200)
  })
})
