import t from 'tap'
import { careops as face } from './faces/careops.js'
import { careops as document } from './fixtures/careops.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, guesses, notTheCode, settle } from './scene.js'
import { randomPerson, world } from './world.js'

const me = '/careops/api/auth/me'

t.test('careops', async (t) => {
  const here = await world(t, documentEnv('careops'))
  const scene = { ...here, face }
  const { client, code, inbox, later } = here
  await t.test('every request the document prints', (t) => play(t, here, document))
  await playRules(t, scene)

  await t.test('a verified phone or an active e-mail is a conflict; a claimed one is not', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const claimed = randomPerson()
    await begin(scene, client(), claimed)
    for (const taken of ['phone', 'email'] as const) {
      const refused = await face.register(by, { ...randomPerson(), [taken]: who[taken] })
      t.match(refused, face.conflict, taken)
      t.ok(face.isShaped(refused))
      t.match(
        await face.register(by, { ...randomPerson(), [taken]: claimed[taken] }),
        face.registered,
        `a claimed ${taken}`,
      )
    }
  })

  await t.test(
    'inside the cooldown of its phone a resend is refused, though the code in hand is exhausted',
    async (t) => {
      const [by, who] = [client(), randomPerson()]
      await begin(scene, by, who)
      const wrong = notTheCode(await code(who.phone))
      await guesses(3, () => face.verify(by, who, wrong))
      t.match(await face.send(by, who), face.cooling)
      t.equal((await inbox(who.phone)).length, 1)
    },
  )

  await t.test('a resend has a new code, and the old one is wrong', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who)
    const old = await code(who.phone)
    await later(31)
    t.match(await face.send(by, who), face.sent)
    const fresh = await code(who.phone, 2)
    if (old !== fresh) t.match(await face.verify(by, who, old), face.wrong(2))
    t.match(await face.verify(by, who, fresh), face.verified)
  })

  await t.test('who gives no phone has an account at once, and logs in here and on /v1 by e-mail', async (t) => {
    for (const phone of [undefined, null]) {
      const [by, who] = [client(), randomPerson()]
      t.match(await face.register(by, who, { phone_number: phone }), {
        status: 201,
        body: { phone_number: null, sms_status: 'skipped', is_active: true },
      })
      t.match(await face.logIn(by, who), face.loggedIn)
      t.match(await by.call('POST', '/v1/login', { identifier: who.email, password: who.password }), { status: 200 })
      t.match(await face.register(client(), { ...randomPerson(), email: who.email }), face.conflict)
      t.same(await inbox(who.phone), [])
    }
  })

  await t.test(
    'log-in works before the phone is verified; its token opens me, and is a full one afterwards',
    async (t) => {
      const [by, who] = [client(), randomPerson()]
      await begin(scene, by, who)
      const token = face.tokenIn(await face.logIn(by, who))
      t.match(await by.call('GET', me, undefined, { token }), {
        status: 200,
        body: { email: who.email, phone_number: who.phone, is_phone_verified: false },
      })
      t.match(await face.verify(by, who, await code(who.phone)), face.verified)
      t.match(await by.call('GET', me, undefined, { token }), { status: 200, body: { is_phone_verified: true } })
    },
  )

  await t.test('of two accounts that claim one phone the unproved one loses the phone, and nothing else', async (t) => {
    const [loser, winner] = [randomPerson(), randomPerson()]
    const [by, other] = [client(), client()]
    await begin(scene, by, { ...loser, phone: winner.phone })
    const token = face.tokenIn(await face.logIn(by, loser))
    await later(31)
    await begin(scene, other, winner)
    t.match(await face.verify(other, winner, await code(winner.phone, 2)), face.verified)
    t.match(await face.logIn(by, loser), { ...face.loggedIn, body: { user: { phone_number: null } } })
    t.match(await face.logIn(other, winner), { ...face.loggedIn, body: { user: { phone_number: winner.phone } } })
    t.match(await by.call('GET', me, undefined, { token }), { status: 401 }, 'a token from before the proof')
  })

  await t.test('what is wrong is told as FastAPI tells it', async (t) => {
    const by = client()
    t.match(await by.call('GET', '/careops/api/nothing'), { status: 404, body: { detail: 'Not Found' } })
    t.match(await by.call('GET', '/careops/api/auth/login'), { status: 405, body: { detail: 'Method Not Allowed' } })
    t.match(await by.call('POST', '/careops/api/auth/login', { password: 'x' }), {
      status: 422,
      body: { detail: [{ loc: ['body', 'email'], msg: String, type: String }] },
    })
    for (const path of ['verify-sms', 'verify-sms?email=', 'resend-sms', 'resend-sms?email=nobody']) {
      const refused = await by.call(
        'POST',
        `/careops/api/auth/${path}`,
        path.startsWith('v') ? { code: '123456' } : undefined,
      )
      t.match(refused, { status: 422, body: { detail: [{ loc: ['query', 'email'] }] } }, path)
      t.ok(face.isShaped(refused))
    }
    t.match(await by.call('GET', me), { status: 401, body: { detail: 'Not authenticated' } })
    t.match(await by.call('GET', me, undefined, { token: 'a.b.c' }), {
      status: 401,
      body: { detail: 'Could not validate credentials' },
    })
  })

  await t.test(
    'a resend takes nothing or `{}` for its body, whatever type that claims; more of another type is 415',
    async (t) => {
      const by = client()
      const resend = (raw: string | undefined, type: string | undefined) =>
        by.call('POST', `/careops/api/auth/resend-sms?email=${randomPerson().email}`, undefined, {
          ...(raw !== undefined && { raw }),
          ...(type !== undefined && { headers: { 'content-type': type } }),
        })
      for (const type of [
        undefined,
        'application/json',
        'text/plain;charset=UTF-8',
        'application/x-www-form-urlencoded',
      ])
        for (const raw of [undefined, '{}']) t.match(await resend(raw, type), face.sent, `${raw} as ${type}`)
      t.match(await resend('code=1', 'application/x-www-form-urlencoded'), { status: 415, body: { detail: String } })
      t.match(await by.call('POST', '/careops/api/auth/login', undefined, { raw: '{}' }), { status: 415 })
    },
  )

  await t.test('a field that is empty or too long is told as FastAPI tells it, once', async (t) => {
    const by = client()
    for (const [field, value, told] of [
      ['email', '', { msg: 'value is not a valid email address', type: 'value_error' }],
      ['email', 'nobody', { msg: 'value is not a valid email address', type: 'value_error' }],
      ['full_name', '', { msg: 'String should have at least 1 character', type: 'string_too_short' }],
      ['full_name', 'x'.repeat(201), { msg: 'String should have at most 200 characters', type: 'string_too_long' }],
    ] as const)
      t.same((await face.register(by, randomPerson(), { [field]: value })).body, {
        detail: [{ loc: ['body', field], ...told }],
      })
  })

  await t.test('its own Swagger UI stands at /careops/docs, and describes the documented calls', async (t) => {
    const page = await client().call('GET', '/careops/docs')
    t.match([page.status, String(page.headers['content-type'])], [200, /text\/html/])
  })
})
