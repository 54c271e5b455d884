import t from 'tap'
import { usersApi as face } from './faces/users-api.js'
import { usersApi as document } from './fixtures/users-api.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, settle } from './scene.js'
import { type Client, randomPerson, world } from './world.js'

const users = '/users-api/api/users'
const refresh = (by: Client, token: string) => by.call('POST', `${users}/token/refresh/`, { refresh: token })

t.test('users-api', async (t) => {
  const here = await world(t, documentEnv('users-api'))
  const scene = { ...here, face }
  const { client, code, inbox } = here
  await t.test('every request the document prints', (t) => play(t, here, document))
  await playRules(t, scene)

  await t.test('a verified phone or e-mail is a conflict, named by its field; a claimed one is not', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const claimed = randomPerson()
    await begin(scene, client(), claimed)
    for (const taken of ['phone', 'email'] as const) {
      const refused = await face.register(by, { ...randomPerson(), [taken]: who[taken] })
      t.match(refused, { status: 400, body: { [taken]: [String] } })
      t.ok(face.isShaped(refused))
      t.match(
        await face.register(by, { ...randomPerson(), [taken]: claimed[taken] }),
        face.registered,
        `a claimed ${taken}`,
      )
    }
  })

  await t.test('registering sends nothing', async (t) => {
    const [by, who] = [client(), randomPerson()]
    t.match(await face.register(by, who), face.registered)
    t.match(await face.send(by, who), face.sent)
    await code(who.phone)
    t.equal((await inbox(who.phone)).length, 1)
  })

  await t.test('a phone needs its country code, here as at registering', async (t) => {
    const by = client()
    const refused = await by.call('POST', `${users}/send-phone-otp/`, { phone: '9876543210' })
    t.match(refused, { status: 400, body: { phone: [String] } })
    t.ok(face.isShaped(refused))
  })

  await t.test('passwords must match, and a name may come whole or in parts', async (t) => {
    const by = client()
    t.match(await face.register(by, randomPerson(), { password_confirm: 'another one' }), {
      status: 400,
      body: { password_confirm: [String] },
    })
    const whole = await face.register(by, randomPerson(), {
      first_name: undefined,
      last_name: undefined,
      name: 'Asha Rao',
    })
    t.match(whole, { status: 201, body: { user: { first_name: 'Asha', last_name: 'Rao' } } })
    const none = await face.register(by, randomPerson(), { first_name: undefined, last_name: undefined })
    t.match(none, { status: 201, body: { user: { first_name: '', last_name: '' } } })
  })

  await t.test('the tokens of register open me and refresh before the proof, and are full ones after it', async (t) => {
    const [by, who] = [client(), randomPerson()]
    const { tokens } = (await begin(scene, by, who)).body
    t.match(await face.opens?.(by, tokens.access), { status: 200, body: { phone: who.phone, phone_verified: false } })
    const early = await refresh(by, tokens.refresh)
    t.match(early, { status: 200, body: { access: String, refresh: String } })
    t.match(await face.verify(by, who, await code(who.phone)), face.verified)
    for (const token of [tokens.access, early.body.access])
      t.match(await face.opens?.(by, token), { status: 200, body: { phone_verified: true } })
    t.match(await refresh(by, early.body.refresh), { status: 200 })
  })

  await t.test('a refresh token that is spent, forged or of another kind is 401', async (t) => {
    const by = client()
    const { registered } = await settle(scene, by)
    const { access, refresh: first } = registered.body.tokens
    const second = (await refresh(by, first)).body.refresh
    const third = (await refresh(by, second)).body.refresh
    for (const token of [access, `${third.slice(0, -2)}xx`, 'x', first]) {
      const refused = await refresh(by, token)
      t.match(refused, { status: 401, body: { detail: String } })
      t.ok(face.isShaped(refused))
    }
    t.match(await refresh(by, third), { status: 401 }, 'two generations back ended the family')
    t.match(await face.opens?.(by, access), { status: 401 })
  })

  await t.test('what is wrong is told as Django REST tells it', async (t) => {
    const by = client()
    t.match(await by.call('GET', `${users}/register/`), {
      status: 405,
      body: { detail: 'Method "GET" not allowed.' },
    })
    t.match(await by.call('GET', `${users}/nothing/`), { status: 404, body: { detail: 'Not found.' } })
    t.match(await by.call('GET', `${users}/me/`), {
      status: 401,
      body: { detail: 'Authentication credentials were not provided.' },
    })
    const bad = await by.call('GET', `${users}/me/`, undefined, { token: 'a.b.c' })
    t.match(bad, { status: 401, body: { detail: String } })
    t.ok(face.isShaped(bad))
    t.match(await by.call('POST', `${users}/register/`, {}), {
      status: 400,
      body: {
        email: ['This field is required.'],
        phone: ['This field is required.'],
        password: ['This field is required.'],
      },
    })
    for (const [field, value, told] of [
      ['email', '', 'This field may not be blank.'],
      ['email', 'nobody', 'Enter a valid email address.'],
      ['first_name', 'x'.repeat(101), 'Ensure this field has no more than 100 characters.'],
    ] as const)
      t.same((await face.register(by, randomPerson(), { [field]: value })).body, { [field]: [told] })
  })
})
