import t from 'tap'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { jodimilan } from '../dialects/faces/jodimilan.js'
import { rently } from '../dialects/faces/rently.js'
import { settle } from '../dialects/scene.js'
import { type Person, randomPerson, world } from '../dialects/world.js'

t.test('an account that asks for a second factor', async (t) => {
  const here = await world(t)
  const guarded = async (face: Face) => {
    const by = here.client()
    const { who } = await settle({ ...here, face }, by)
    // One account on every face: it is switched on where there is a switch.
    const { body } = await by.call('POST', '/v1/login', { identifier: who.phone, password: who.password })
    const switched = { enabled: true, password: who.password }
    const { status } = await by.call('PUT', '/v1/me/second-factor', switched, { token: body.session.accessToken })
    if (status !== 200) throw new Error(`second factor: ${status}`)
    return { by, who }
  }

  for (const face of faces)
    await t.test(
      `${face.name} opens no session after a right password, and tells nothing after a wrong one`,
      async (t) => {
        const { by, who } = await guarded(face)
        const refused = await face.logIn(by, who)
        t.match(refused, face.secondFactor)
        if (face.name !== 'users-api') t.ok(face.isShaped(refused), JSON.stringify(refused.body))
        t.match(await face.logIn(by, { ...who, password: 'not this one' }), face.credentialsWrong)
      },
    )

  await t.test('its SMS is inside the limit of sends of an address; log-ins without one are not', async (t) => {
    const { who } = await guarded(rently)
    const { who: plain } = await settle({ ...here, face: rently }, here.client())
    const by = here.client()
    const logIn = ({ phone: identifier, password }: Person) => by.call('POST', '/v1/login', { identifier, password })
    for (let turn = 0; turn < 30; turn++) await by.call('POST', '/v1/login/code', { phone: randomPerson().phone })
    t.match(await logIn(who), { status: 429, headers: { 'retry-after': /^\d+$/ } })
    t.match(await logIn(plain), { status: 200 })
  })

  await t.test('jodimilan: a right code logs nobody in, and looks like a wrong one', async (t) => {
    const { by, who } = await guarded(jodimilan)
    const national = { phone: who.phone.slice(3), dialing_code: '91' }
    t.match(await by.call('POST', '/jodimilan/api/auth/resend/otp', national), { status: 200 })
    const otp = await here.code(who.phone, 2)
    const answer = await by.call('POST', '/jodimilan/api/auth/otp/login', { ...national, otp })
    t.match(answer, { status: 400, body: { code: 400, success: false, data: { attempts_left: Number } } })
    t.notMatch(JSON.stringify(answer.body), /factor/i)
  })

  await t.test('rently: a right code resets no password, and looks like a wrong one', async (t) => {
    const { by, who } = await guarded(rently)
    const { email, phone }: Person = who
    await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone })
    const otp = await here.code(phone, 2)
    const answer = await by.call('POST', '/rently/api/auth/forgot-password-verify-otp', { email, otp })
    t.match(answer, { status: 400, body: { message: String, attemptsLeft: Number } })
    t.notOk('resetToken' in answer.body)
  })
})
