import t from 'tap'
import { staged as face } from './faces/staged.js'
import { staged as document } from './fixtures/staged.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, settle, tellTale } from './scene.js'
import { randomPerson, world } from './world.js'

const register = '/staged/api/auth/register'
const changePassword = '/staged/api/auth/change-password'
const login = '/staged/api/auth/login'

t.test('staged', async (t) => {
  const here = await world(t, documentEnv('staged'))
  const scene = { ...here, face }
  const { client, code } = here
  await t.test('every request the document prints', (t) => play(t, here, document))
  await playRules(t, scene)

  await t.test('a verified phone, e-mail or username is a conflict; a claimed one is not', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const claimed = randomPerson()
    await begin(scene, client(), claimed)
    for (const [taken, message] of [
      ['phone', /Phone number/],
      ['email', /Email/],
      ['username', /Username/],
    ] as const) {
      const refused = await face.register(by, { ...randomPerson(), [taken]: who[taken].toUpperCase() })
      t.match(refused, { ...face.conflict, body: { message } }, taken)
      t.ok(face.isShaped(refused))
      t.match(
        await face.register(by, { ...randomPerson(), [taken]: claimed[taken] }),
        face.registered,
        `a claimed ${taken}`,
      )
    }
  })

  await t.test(
    'after ten conflicts within the hour an address is told nothing more, of what is taken or free',
    async (t) => {
      const by = client()
      const { who } = await settle(scene, client())
      for (let n = 0; n < 10; n++)
        t.match(await face.register(by, { ...randomPerson(), phone: who.phone }), face.conflict)
      const refused = await face.register(by, { ...randomPerson(), phone: who.phone })
      t.match(refused, face.limited)
      t.ok(face.isShaped(refused))
      t.same(tellTale(await face.register(by, randomPerson())), tellTale(refused), 'what is free is refused alike')
    },
  )

  await t.test(
    'numbers without a country code are read in the configured country, and every spelling is one phone',
    async (t) => {
      const [by, who] = [client(), randomPerson()]
      const national = `0${who.phone.slice(3)}`
      const registered = await face.register(by, { ...who, phone: national })
      t.match(registered, { status: 201, body: { user: { phoneNumber: who.phone } } })
      const told = ['createdAt', 'email', 'id', 'isPhoneVerified', 'phoneNumber', 'role', 'updatedAt', 'username']
      t.same(Object.keys(registered.body.user).sort(), told, 'what the document shows, and nothing else')
      const early = await face.send(by, who)
      t.equal(early.headers['retry-after'], String(early.body.retryAfter))
      const spaced = `${who.phone.slice(0, 3)} ${who.phone.slice(3, 8)}-${who.phone.slice(8)}`
      t.match(await face.verify(by, { ...who, phone: spaced }, await code(who.phone)), face.verified)
    },
  )

  await t.test(
    'the token of register opens change-password once the phone is verified, and nothing before',
    async (t) => {
      const [by, who] = [client(), randomPerson()]
      const token = face.tokenIn(await begin(scene, by, who))
      const early = await by.call('POST', changePassword, { newPassword: who.password }, { token })
      t.match(early, { status: 403, body: { message: String } })
      t.ok(face.isShaped(early))
      t.match(await face.verify(by, who, await code(who.phone)), face.verified)
      t.match(await by.call('POST', changePassword, { newPassword: who.password }, { token }), {
        status: 200,
        body: { message: String },
      })
      t.match(await face.logIn(by, who), face.loggedIn)
    },
  )

  await t.test('once a password is set, only who knows it sets another; that ends every other session', async (t) => {
    const by = client()
    const { who, token } = await settle(scene, by)
    const other = face.tokenIn(await face.logIn(by, who))
    const newPassword = 'the next one'
    for (const wrong of [{ newPassword }, { newPassword, currentPassword: 'not this' }]) {
      const refused = await by.call('POST', changePassword, wrong, { token })
      t.match(refused, { status: 401, body: { message: String } })
      t.ok(face.isShaped(refused))
    }
    const right = { newPassword, currentPassword: who.password }
    t.match(await by.call('POST', changePassword, { ...right, newPassword: 'short' }, { token }), {
      status: 400,
      body: { message: String },
    })
    t.match(await by.call('POST', changePassword, right, { token }), { status: 200 })
    t.match(await face.opens?.(by, other), { status: 401, headers: { 'www-authenticate': /Bearer/ } })
    t.match(await face.logIn(by, { ...who, password: newPassword }), face.loggedIn)
  })

  await t.test(
    'six characters are a password, and a common one too; five, 129, NUL and half characters are not',
    async (t) => {
      const by = client()
      for (const [newPassword, status] of [
        ['test123', 200],
        ['abcdef', 200],
        ['abcde', 400],
        ['x'.repeat(129), 400],
        ['a\u0000bcdefg', 400],
        ['\ud800abcdefg', 400],
        [1234567, 400],
      ] as const) {
        const who = randomPerson()
        const token = face.tokenIn(await begin(scene, by, who))
        await face.verify(by, who, await code(who.phone))
        const answer = await by.call('POST', changePassword, { newPassword }, { token })
        t.equal(answer.status, status, JSON.stringify([newPassword, answer.body]))
        if (status === 400) t.ok(face.isShaped(answer))
      }
    },
  )

  await t.test('log-in takes a username, an e-mail or a phone number: one of them', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const { username, email, phone, password } = who
    for (const name of [
      { username },
      { username: username.toUpperCase() },
      { email },
      { phoneNumber: phone },
      { phoneNumber: phone.slice(3) },
    ])
      t.match(await by.call('POST', login, { ...name, password }), { status: 200, body: { user: { username } } })
    for (const name of [{}, { username: 7 }]) {
      const refused = await by.call('POST', login, { ...name, password })
      t.match(refused, { status: 400, body: { message: String } })
      t.ok(face.isShaped(refused))
    }
  })

  await t.test('without a token, or with one that is no token, it is 401', async (t) => {
    const by = client()
    for (const token of [undefined, 'x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.'])
      t.match(await by.call('POST', changePassword, { newPassword: 'long enough' }, { token }), {
        status: 401,
        body: { message: String },
      })
    t.match(await by.call('POST', register, {}, { token: 'x' }), { status: 400 }, 'where none is needed none is read')
  })

  await t.test('its own document shows the paths it was written against, and what they refuse with', async (t) => {
    const get = (path: string) => client().call('GET', path)
    const { body } = await get('/staged/openapi.json')
    t.same(
      Object.keys(body.paths).sort(),
      ['change-password', 'login', 'register', 'resend-phone-code', 'verify-phone'].map((name) => `/api/auth/${name}`),
    )
    t.same(body.servers, [{ url: '/staged' }])
    const { responses } = body.paths['/api/auth/register'].post
    t.same(Object.keys(responses), ['201', '400', '409', '413', '415', '429', '500', '503'])
    t.ok(responses['409'].content['application/json'].schema.properties.message)
    t.match((await get('/staged/docs/')).body, /swagger-ui/)
    t.match((await get('/docs/static/swagger-initializer.js')).body, /staged\/openapi\.json/)
    const others = Object.keys((await get('/openapi.json')).body.paths).filter((path) => !/^\/(v1|dev)\//.test(path))
    t.same(others, ['/.well-known/jwks.json'])
  })
})
