import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Pool } from 'undici'
import { claimsOf, hostileTokens, mintedKey } from '../hostile-tokens.js'
import { codeFromInbox, journey, newPerson, password, randomPhone } from '../journey/journey.js'

const minted = mintedKey()

t.test('the strict edge', async (t) => {
  const { stack, call } = await journey(t, { ACCESS_TOKEN_KEYS: minted.ring })
  const raw = new Pool(stack.gatewayUrl)
  t.teardown(() => raw.destroy())
  const send = async (method: string, path: string, headers: Record<string, string> = {}, body?: string) => {
    const answer = await raw.request({ method: method, path, headers, ...(body !== undefined && { body }) })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: JSON.parse((await answer.body.text()) || 'null') as Record<string, unknown> | null,
    }
  }
  const json = { 'content-type': 'application/json' }

  t.test('what is misspelt, mistyped or too much is named, in a problem document, and changes nothing', async (t) => {
    const phone = randomPhone()
    const cases: [body: unknown, path: string][] = [
      [{ phone, colour: 'red' }, '/colour'],
      [{ phone: 919876543210 }, '/phone'],
      [{ phone: [phone] }, '/phone'],
      [{ phone: '98765' }, '/phone'],
      [{ phone, email: 'nobody' }, '/email'],
      [{ phone, username: 'ryt123' }, '/username'],
      [{ phone, username: '9lives' }, '/username'],
      [{ phone, role: 'admin' }, '/role'],
      [{ phone, profile: 'text' }, '/profile'],
      [{ phone, name: 'a\u0000b' }, '/name'],
      [{ phone, profile: { note: '\ud800' } }, '/profile'],
      [{ name: 'Asha' }, '/phone'],
      [[], '/'],
      ['text', '/'],
      [{ phone, isPhoneVerified: true }, '/isPhoneVerified'],
    ]
    for (const [body, path] of cases) {
      const answer = await call('POST', '/v1/signup', body)
      t.match(
        answer,
        {
          status: 400,
          headers: { 'content-type': /^application\/problem\+json/ },
          body: { type: '/docs/errors#request-invalid', code: 'request.invalid', errors: [{ path }] },
        },
        JSON.stringify(body),
      )
    }
    t.match(await call('POST', '/v1/signup', { phone, password: 'short' }), {
      status: 400,
      body: { code: 'password.weak', reasons: [String] },
    })
    t.match(await call('POST', '/v1/signup', { phone }), { status: 202 }, 'none of them spent the cooldown')
  })

  t.test('bodies of other sizes, shapes and media types are refused in one shape', async (t) => {
    t.match(await send('POST', '/v1/signup', json, '{"phone":'), { status: 400, body: { code: 'request.invalid' } })
    t.match(await send('POST', '/v1/signup', json, '{"__proto__":{"phone":"x"}}'), {
      status: 400,
      body: { code: 'request.invalid' },
    })
    t.match(await send('POST', '/v1/signup', json, JSON.stringify({ phone: '1', name: 'x'.repeat(17_000) })), {
      status: 413,
      body: { code: 'request.too_large' },
    })
    t.match(await send('POST', '/v1/signup', { 'content-type': 'text/xml' }, '<x/>'), {
      status: 415,
      body: { code: 'request.media_type' },
    })
    t.match(await send('POST', '/v1/signup', { 'content-type': 'text/plain' }, 'x'), { status: 415 })
    t.match(
      await send('POST', '/v1/signup', json),
      { status: 400, body: { code: 'request.invalid' } },
      'a JSON type and no body',
    )
    t.match(
      await send('POST', `/v1/challenges/x/resend`, json),
      { status: 410 },
      'where no body is expected, none is missed',
    )
    t.match(await send('POST', `/v1/challenges/x/resend`, json, '{"force":true}'), {
      status: 400,
      body: { errors: [{ path: '/force' }] },
    })
  })

  t.test('what Fastify and Node refuse themselves has the same shape, and echoes nothing', async (t) => {
    const problem = { 'content-type': /^application\/problem\+json/ }
    t.match(await send('GET', `/v1/challenges/${'x'.repeat(3_000)}`), { status: 410, headers: problem })
    for (const path of ['/v1/%ZZ', '/v1/challenges/%ff']) {
      const answer = await send('GET', path)
      t.match(answer, { status: 404, headers: problem, body: { code: 'not.found' } }, path)
      t.notMatch(JSON.stringify(answer.body), '%')
    }
    t.match(await send('GET', '/v1/me', { 'x-large': 'x'.repeat(20_000) }), { status: 400, headers: problem })
    t.match(await send('POST', '/v1/challenges/x/resend', { 'content-type': 'text/plain', 'content-length': '0' }), {
      status: 410,
    })
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`field${n}`, 1]))
    t.equal((await call('POST', '/v1/signup', many)).body.errors.length, 20)
  })

  t.test('half characters and NUL are 400 in whatever field they stand', async (t) => {
    for (const text of ['\ud800@example.com', 'a\u0000@example.com']) {
      t.match(await call('POST', '/v1/signup', { phone: randomPhone(), email: text }), {
        status: 400,
        body: { errors: [{ path: '/email' }] },
      })
      t.match(await call('POST', '/v1/login', { identifier: text, password }), {
        status: 400,
        body: { errors: [{ path: '/identifier' }] },
      })
    }
    for (const identifier of ['   ', 'İ'.repeat(254)])
      t.match(await call('POST', '/v1/login', { identifier, password }), {
        status: 400,
        body: { errors: [{ path: '/identifier' }] },
      })
    t.match(await call('POST', '/v1/login', { identifier: 'nobody', password: '\ud800' }), { status: 401 })
  })

  t.test('one fault is told once, in the words of the field', async (t) => {
    const { session } = await newPerson(call)
    const errorsOf = async (path: '/v1/me' | '/v1/logout', body: object) =>
      (await call(path === '/v1/me' ? 'PATCH' : 'POST', path, body, session.accessToken)).body.errors
    t.match(await errorsOf('/v1/me', { name: '' }), [{ path: '/name', message: /fewer than 1/ }])
    t.same((await errorsOf('/v1/me', { name: '' })).length, 1)
    t.match(await errorsOf('/v1/me', { username: 'ryt12' }), [{ path: '/username', message: /ryt/ }])
    t.same(await errorsOf('/v1/logout', { everything: true }), [
      { path: '/everything', message: 'is not known here; remove it' },
    ])
  })

  t.test('a profile comes back as it was given, whatever its names', async (t) => {
    const profile = { 'two\nlines': 1, 'a/b~c': { deep: [true, null, 'ü'] }, '': 'empty' }
    const { session } = await newPerson(call, { profile })
    t.same((await call('GET', '/v1/me', undefined, session.accessToken)).body.user.profile, profile)
  })

  t.test('paths and methods that do not exist', async (t) => {
    t.match(await send('GET', '/v1/nothing'), { status: 404, body: { code: 'not.found' } })
    t.match(await send('DELETE', '/v1/login'), {
      status: 405,
      headers: { allow: /POST/ },
      body: { code: 'method.not_allowed' },
    })
    t.match(await send('GET', '/V1/me'), { status: 404 })
    for (const id of ['%00', '..%2f..', 'x'.repeat(90), encodeURIComponent('𝕏')])
      t.match(await send('GET', `/v1/challenges/${id}`), { status: 410, body: { code: 'challenge.gone' } }, id)
  })

  t.test('a code may be typed with spaces; anything but digits is no guess and costs none', async (t) => {
    const phone = randomPhone()
    const { body } = await call('POST', '/v1/signup', { phone })
    const path = `/v1/challenges/${body.challenge.id}/answer`
    for (const code of ['abcdef', '', '12 34x6', '١٢٣٤٥٦'])
      t.match(await call('POST', path, { code }), { status: 400, body: { code: 'request.invalid' } })
    const code = await codeFromInbox(call, phone)
    t.match(await call('POST', path, { code: `${code.slice(0, 3)} ${code.slice(3)}` }), { status: 201 })
  })

  t.test('a password is refused before any code is sent', async (t) => {
    const phone = randomPhone()
    for (const weak of ['password1', phone, phone.slice(3), 'x'.repeat(129)])
      t.match(
        await call('POST', '/v1/signup', { phone, password: weak }),
        { status: 400, body: { code: 'password.weak' } },
        weak,
      )
    t.same((await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)).body, [])
  })

  t.test('hostile access tokens are 401, never 500', async (t) => {
    const { session, user } = await newPerson(call)
    t.match(
      await call('GET', '/v1/me', undefined, minted.mint(claimsOf(session.accessToken))),
      { status: 200, body: { user: { id: user.id } } },
      'the control: a token minted by this test is good',
    )
    const { accessToken: good, refreshToken } = session
    const hostile = hostileTokens(minted, { good, otherFace: 'rently', refreshToken })
    t.ok(Object.keys(hostile).length > 60)
    for (const [name, token] of Object.entries(hostile))
      t.match(await call('GET', '/v1/me', undefined, token), { status: 401, body: { code: 'token.invalid' } }, name)
    for (const authorization of ['', 'Bearer', 'Basic eDp5', `Bearer  ${session.accessToken} x`, `bearer`])
      t.equal((await send('GET', '/v1/me', { authorization })).status, 401, authorization)
  })

  t.test('hostile refresh tokens are 401 and end nothing', async (t) => {
    const { session } = await newPerson(call)
    const flipped = `${session.refreshToken.slice(0, -6)}${session.refreshToken.at(-6) === 'A' ? 'B' : 'A'}${session.refreshToken.slice(-5)}`
    for (const refreshToken of [
      flipped,
      'lkr_',
      'x',
      session.deviceToken,
      session.accessToken.slice(0, 500),
      `lkr_${randomBytes(40).toString('base64url')}`,
      '\u0000',
    ]) {
      t.match(await call('POST', '/v1/token/refresh', { refreshToken }), {
        status: 401,
        body: { code: 'token.invalid' },
      })
    }
    t.equal((await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken })).status, 200)
  })

  t.test('an e-mail or username somebody else holds is left out, and named after the proof only', async (t) => {
    const username = `u${randomBytes(4).toString('hex')}`
    await newPerson(call, { username, email: `${username}@example.com` })
    const phone = randomPhone()
    const started = await call('POST', '/v1/signup', {
      phone,
      username: username.toUpperCase(),
      email: `${username}@EXAMPLE.com`,
    })
    t.equal(started.status, 202)
    const proved = await call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, {
      code: await codeFromInbox(call, phone),
    })
    t.match(proved, { status: 201, body: { user: { username: null, email: null } } })
    t.same(proved.body.conflicts.sort(), ['email', 'username'])
    t.match(await call('PATCH', '/v1/me', { username }, proved.body.session.accessToken), {
      status: 400,
      body: { errors: [{ path: '/username' }] },
    })
    t.match(await call('PATCH', '/v1/me', { role: 'admin' }, proved.body.session.accessToken), {
      status: 400,
      body: { errors: [{ path: '/role' }] },
    })
  })

  t.test('everyone may log in by any of his identifiers, in any spelling', async (t) => {
    const username = `u${randomBytes(4).toString('hex')}`
    const { phone, user } = await newPerson(call, { username, email: `${username}@example.com` })
    for (const identifier of [
      phone,
      `${phone.slice(0, 3)} ${phone.slice(3, 8)} ${phone.slice(8)}`,
      username,
      username.toUpperCase(),
      `${username}@example.com`,
      ` ${username}@EXAMPLE.com `,
    ]) {
      t.match(
        await call('POST', '/v1/login', { identifier, password }),
        { status: 200, body: { user: { id: user.id } } },
        identifier,
      )
    }
  })
})

/** Every header in which some proxy or other tells who calls. */
function dodges(n: number): Record<string, string> {
  const address = `203.0.113.${n}`
  const names = [
    'x-real-ip',
    'x-client-ip',
    'true-client-ip',
    'cf-connecting-ip',
    'fastly-client-ip',
    'x-cluster-client-ip',
  ]
  return {
    ...Object.fromEntries(names.map((name) => [name, address])),
    forwarded: `for=${address};proto=https, for="[2001:db8::${n}]"`,
    'x-forwarded-for': n % 2 === 0 ? address : `${address}, 198.51.100.${n}, 127.0.0.1`,
    'x-forwarded-host': `host${n}.example.com`,
  }
}

t.test('limits per address count what no header dodges', async (t) => {
  const { call, stack } = await journey(t, { EXEMPT_CLIENTS: '', REQUESTS_PER_MINUTE: '20' })
  const pool = new Pool(stack.gatewayUrl)
  t.teardown(() => pool.destroy())
  const statuses = []
  for (let n = 0; n < 25; n++) {
    const { statusCode, body } = await pool.request({
      method: 'GET',
      path: '/v1/me',
      headers: dodges(n),
    })
    await body.dump()
    statuses.push(statusCode)
  }
  t.same(statuses, [...Array<number>(20).fill(401), ...Array<number>(5).fill(429)])
  const refused = await call('GET', '/v1/me')
  t.match(refused, { status: 429, body: { code: 'rate.limited', retryAt: String }, headers: { 'retry-after': String } })
})

t.test('calls that send something share one limit per address, and a proxy that adds ports does no harm', async (t) => {
  const { stack } = await journey(t, { EXEMPT_CLIENTS: '', SEND_REQUESTS_PER_MINUTE: '4', TRUST_PROXY: '127.0.0.1' })
  const pool = new Pool(stack.gatewayUrl)
  t.teardown(() => pool.destroy())
  const ask = async (path: string, body: object, from: string) => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': from }
    const answer = await pool.request({ method: 'POST', path, headers, body: JSON.stringify(body) })
    await answer.body.dump()
    return answer.statusCode
  }
  const statuses = []
  for (const port of [1, 2]) {
    statuses.push(await ask('/v1/signup', { phone: randomPhone() }, `203.0.113.7:${port}`))
    statuses.push(await ask('/v1/login/code', { phone: randomPhone() }, '203.0.113.7'))
    statuses.push(await ask('/v1/password/forgot', { identifier: randomPhone() }, `203.0.113.7:5${port}`))
  }
  t.same(statuses, [202, 202, 202, 202, 429, 429])
  for (const spoofed of [
    '198.51.100.1, 203.0.113.7',
    '127.0.0.1, 203.0.113.7',
    '203.0.113.99,, 203.0.113.7',
    '203.0.113.7, 127.0.0.1',
  ])
    t.equal(
      await ask('/v1/signup', { phone: randomPhone() }, spoofed),
      429,
      `what stands before the proxy’s own word: ${spoofed}`,
    )
  t.equal(await ask('/v1/signup', { phone: randomPhone() }, '203.0.113.8'), 202)
  t.equal(await ask('/v1/signup', { phone: randomPhone() }, 'unknown'), 202)
})

t.test('the open documents', async (t) => {
  const { call } = await journey(t)
  const { body: document } = await call('GET', '/openapi.json')
  t.equal(document.openapi, '3.1.0')
  for (const path of [
    '/v1/signup',
    '/v1/login',
    '/v1/login/code',
    '/v1/password/forgot',
    '/v1/password/reset',
    '/v1/me/password',
    '/v1/challenges/{id}',
    '/v1/challenges/{id}/answer',
    '/v1/challenges/{id}/resend',
    '/v1/token/refresh',
    '/v1/logout',
    '/v1/sessions',
    '/v1/sessions/{id}',
    '/v1/me',
  ]) {
    t.ok(document.paths[path], path)
  }
  const bodyOf = (path: string) => document.paths[path].post.requestBody
  t.equal(bodyOf('/v1/challenges/{id}/resend'), undefined, 'a call without a body has none')
  t.equal(bodyOf('/v1/logout').required, false)
  t.equal(bodyOf('/v1/login').required, true)
  t.ok(
    ['400', '413', '415', '429', '500', '503'].every((status) => document.paths['/v1/signup'].post.responses[status]),
    'what the edge refuses is declared',
  )
  t.match(await call('GET', '/'), { status: 200, body: /<div id="root">/ }, 'a page, where there are some')
  t.match((await call('GET', '/docs/')).body, /swagger-ui/)
  const { body } = await call('GET', '/v1/nothing')
  const [page, anchor] = body.type.split('#')
  t.match((await call('GET', page)).body, `id="${anchor}"`, 'the type of a problem leads to its explanation')
  const { keys } = (await call('GET', '/.well-known/jwks.json')).body
  t.equal(keys.length, 1)
  t.same(Object.keys(keys[0]).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], 'and nothing private')
})
