import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Pool } from 'undici'
import { type Call, codeFromInbox, journey, newPerson, password, randomPhone } from '../journey/journey.js'

// The document: Signup is a staged flow, phone → code → password.

const newcomer = () => {
  const username = `u${randomBytes(5).toString('hex')}`
  const phone = randomPhone()
  return { phone, body: { username, email: `${username}@example.com`, phoneNumber: phone.slice(3) } }
}
const wrongCode = (code: string) => (code === '000000' ? '000001' : '000000')

/** A person who went through all three steps. */
async function stagedPerson(call: Call) {
  const { phone, body } = newcomer()
  const { token } = (await call('POST', '/staged/api/auth/register', body)).body
  const code = await codeFromInbox(call, phone)
  await call('POST', '/staged/api/auth/verify-phone', { phoneNumber: phone, code })
  await call('POST', '/staged/api/auth/change-password', { newPassword: password }, token)
  return { phone, body, token }
}

t.test('staged: phone, code, password', async (t) => {
  const { call, stack } = await journey(t, {
    SEND_COOLDOWNS_SECONDS: '1',
    DIALECT_STAGED_COOLDOWN_SECONDS: '60',
    ROOT_DIALECT: 'staged',
  })
  const api = (name: string, body?: unknown, token?: string) => call('POST', `/staged/api/auth/${name}`, body, token)

  t.test('the flow of the document, a number without country code read in the configured one', async (t) => {
    const { phone, body } = newcomer()
    const registered = await api('register', { ...body, role: 'admin', isPhoneVerified: true, id: 1 })
    t.match(registered, {
      status: 201,
      headers: { 'content-type': /^application\/json/ },
      body: {
        message: String,
        token: String,
        user: {
          id: Number,
          username: body.username,
          email: body.email,
          phoneNumber: phone,
          isPhoneVerified: false,
          role: 'user',
          createdAt: String,
          updatedAt: String,
        },
      },
    })
    t.equal(Object.keys(registered.body.user).length, 8)
    const { token } = registered.body
    const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString())
    t.match(claims, { aud: 'staged', scope: 'change-password' })
    t.equal(claims.exp - claims.iat, 604_800)

    t.match(await api('change-password', { newPassword: password }, token), {
      status: 403,
      body: { message: /not verified/ },
    })
    const code = await codeFromInbox(call, phone)
    t.match(await api('verify-phone', { phoneNumber: body.phoneNumber, code: wrongCode(code) }), {
      status: 400,
      body: { message: String, attemptsLeft: 2 },
    })
    t.match(await api('verify-phone', { phoneNumber: body.phoneNumber, code }), {
      status: 200,
      body: { message: String, user: { id: registered.body.user.id, isPhoneVerified: true } },
    })
    t.match(await api('change-password', { newPassword: 'test123' }, token), { status: 200, body: { message: String } })
    t.match(await api('change-password', { newPassword: password }, token), { status: 401 }, 'it is set now')
    t.match(await api('change-password', { newPassword: password, currentPassword: 'test123' }, token), { status: 200 })

    for (const who of [{ username: body.username }, { email: body.email }, { phoneNumber: body.phoneNumber }])
      t.match(await api('login', { ...who, password }), {
        status: 200,
        body: { message: String, token: String, user: { id: registered.body.user.id } },
      })
    t.match(await api('login', { email: body.email, password: 'nothing like it' }), {
      status: 401,
      body: { message: 'Invalid credentials' },
    })
    t.match(
      await call('POST', '/v1/login', { identifier: phone, password }),
      { status: 200 },
      'one account, every face',
    )
  })

  t.test('a code takes three wrong answers from one client, known or not, then no right one', async (t) => {
    const { phone, body } = newcomer()
    await api('register', body)
    const code = await codeFromInbox(call, phone)
    for (const number of [phone, randomPhone()]) {
      const guess = (text: string) => api('verify-phone', { phoneNumber: number, code: text })
      for (const attemptsLeft of [2, 1, 0])
        t.match(await guess(wrongCode(code)), { status: 400, body: { attemptsLeft } })
      t.match(await guess(code), { status: 429, body: { message: /Too many/ } })
    }
  })

  t.test('a resend inside the cooldown says the configured seconds', async (t) => {
    const { phone, body } = newcomer()
    await api('register', body)
    await codeFromInbox(call, phone)
    const early = await api('resend-phone-code', { phoneNumber: phone })
    t.match(early, { status: 429, body: { message: /60 seconds/, retryAfter: Number } })
    t.equal(early.headers['retry-after'], String(early.body.retryAfter))
    await call('PUT', '/dev/clock', { offsetMs: 61_000 })
    t.match(await api('resend-phone-code', { phoneNumber: phone }), { status: 200, body: { cooldown: 60 } })
    const stranger = randomPhone()
    t.match(await api('resend-phone-code', { phoneNumber: stranger }), { status: 200, body: { cooldown: 60 } })
    t.match(await api('resend-phone-code', { phoneNumber: stranger }), { status: 429, body: { message: /60 seconds/ } })
    t.same((await call('GET', `/dev/inbox?to=${encodeURIComponent(stranger)}`)).body, [])
  })

  t.test('what is taken is told by name', async (t) => {
    const { phone, body } = await stagedPerson(call)
    const other = newcomer().body
    for (const [field, taken, message] of [
      ['phoneNumber', phone, /Phone number/],
      ['email', body.email.toUpperCase(), /Email/],
      ['username', body.username, /Username/],
    ] as const)
      t.match(await api('register', { ...other, [field]: taken }), { status: 409, body: { message } }, field)
  })

  t.test('a token opens its own face only', async (t) => {
    const { session } = await newPerson(call)
    t.match(await api('change-password', { newPassword: password }, session.accessToken), {
      status: 401,
      body: { message: String },
    })
    const { token } = await stagedPerson(call)
    t.equal((await call('GET', '/v1/me', undefined, token)).status, 401)
  })

  t.test('whatever refuses, it speaks as an Express app would', async (t) => {
    const pool = new Pool(stack.gatewayUrl)
    t.teardown(() => pool.destroy())
    const send = async (method: 'GET' | 'POST' | 'PUT', path: string, type?: string, body?: string) => {
      const answer = await pool.request({
        method,
        path,
        headers: type === undefined ? {} : { 'content-type': type },
        ...(body !== undefined && { body }),
      })
      const { statusCode: status, headers } = answer
      return { status, headers, body: (await answer.body.json()) as { errors: { field: string; message: string }[] } }
    }
    const json = 'application/json'
    const plain = { headers: { 'content-type': 'application/json; charset=utf-8' }, body: { message: String } }
    for (const base of ['/staged/api', '/api']) {
      const register = `${base}/auth/register`
      const refusals = [
        [404, await send('GET', `${base}/nothing`)],
        [404, await send('POST', `${base}/auth/REGISTER`, json, '{}')],
        [405, await send('PUT', register, json, '{}')],
        [413, await send('POST', register, json, JSON.stringify({ username: 'x'.repeat(17_000) }))],
        [415, await send('POST', register, 'text/xml', '<x/>')],
        [400, await send('POST', register, json, '{"username":')],
        [400, await send('POST', register, json)],
        [404, await send('GET', `${base}/%ZZ`)],
        [401, await send('POST', `${base}/auth/change-password/`, json, '{"newPassword":"x"}')],
      ] as const
      for (const [status, answer] of refusals) {
        t.match(answer, { status, ...plain })
        t.notOk('type' in answer.body)
      }
      const invalid = await send('POST', `${register}/`, json, '{"phoneNumber":919876543210}')
      t.match(invalid, { status: 400, ...plain })
      t.same(invalid.body.errors.map(({ field }) => field).sort(), ['email', 'phoneNumber', 'username'])
    }
    t.match(await call('GET', '/v1/nothing'), { status: 404, body: { code: 'not.found' } }, '/v1 keeps its own')
    t.match(await call('GET', '/stagedx'), { status: 404, body: { code: 'not.found' } })
    t.match(await api('register', { ...newcomer().body, phoneNumber: '12' }), {
      status: 400,
      body: { errors: [{ field: 'phoneNumber' }] },
    })
    t.match(await api('login', { password }), { status: 400, body: { errors: [{ field: 'username' }] } })
  })

  t.test('its own document shows the paths it was written against, and what they refuse with', async (t) => {
    const { body } = await call('GET', '/staged/openapi.json')
    t.same(Object.keys(body.paths).sort(), [
      '/api/auth/change-password',
      '/api/auth/login',
      '/api/auth/register',
      '/api/auth/resend-phone-code',
      '/api/auth/verify-phone',
    ])
    t.same(body.servers, [{ url: '/staged' }])
    const { responses } = body.paths['/api/auth/register'].post
    t.same(Object.keys(responses), ['201', '400', '409', '413', '415', '429', '500', '503'])
    t.ok(responses['409'].content['application/json'].schema.properties.message)
    t.match((await call('GET', '/staged/docs/')).body, /swagger-ui/)
    t.match((await call('GET', '/docs/static/swagger-initializer.js')).body, /staged\/openapi\.json/)
    const { body: v1 } = await call('GET', '/openapi.json')
    t.same(
      Object.keys(v1.paths).filter((path) => !/^\/(v1|dev)\//.test(path)),
      ['/.well-known/jwks.json'],
    )
  })
})

t.test('an address that is told of ten taken names an hour is told no more of them', async (t) => {
  const { call } = await journey(t, { EXEMPT_CLIENTS: '', CONFLICTS_PER_HOUR: '2' })
  const { body } = await stagedPerson(call)
  const statuses = []
  for (let n = 0; n < 4; n++)
    statuses.push((await call('POST', '/staged/api/auth/register', { ...newcomer().body, email: body.email })).status)
  t.same(statuses, [409, 409, 429, 429])
  t.match(await call('POST', '/staged/api/auth/register', newcomer().body), { status: 201 }, 'news is no conflict')
})

t.test('where conflicts are hidden, a register of what is taken looks like any other', async (t) => {
  const { call } = await journey(t, { DIALECT_STAGED_HIDE_CONFLICTS: 'true' })
  const { phone, body } = await stagedPerson(call)
  const { body: told, status } = await call('POST', '/staged/api/auth/register', { ...body, phoneNumber: phone })
  t.equal(status, 201)
  t.match(told.user, { username: body.username, email: body.email, phoneNumber: phone, isPhoneVerified: false })
})

t.test('without a carrier accounts come into being, and what has to send a code is 503', async (t) => {
  const { call } = await journey(t, { SMS_PROVIDERS: 'none' })
  const { phone, body } = newcomer()
  t.match(await call('POST', '/staged/api/auth/register', body), { status: 201 })
  t.match(await call('POST', '/staged/api/auth/resend-phone-code', { phoneNumber: phone }), {
    status: 503,
    headers: { 'retry-after': '1' },
    body: { message: /unavailable/ },
  })
  t.match(await call('POST', '/v1/signup', { phone: randomPhone() }), { status: 503, body: { code: 'unavailable' } })
})
