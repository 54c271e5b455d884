import { createDecipheriv, randomBytes } from 'node:crypto'
import t from 'tap'
import { jodimilan as face } from './faces/jodimilan.js'
import { jodimilan as document } from './fixtures/jodimilan.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, notTheCode, settle } from './scene.js'
import { type Person, randomPerson, world } from './world.js'

const auth = '/jodimilan/api/auth'
const key = randomBytes(32)
const national = ({ phone }: Person) => ({ phone: phone.slice(3), dialing_code: phone.slice(1, 3) })

/** `data.user` as a front end opens it. */
function decrypt(text: string): Record<string, unknown> {
  const box = Buffer.from(text, 'base64')
  const cipher = createDecipheriv('aes-256-gcm', key, box.subarray(0, 12))
  cipher.setAuthTag(box.subarray(12, 28))
  return JSON.parse(Buffer.concat([cipher.update(box.subarray(28)), cipher.final()]).toString())
}

t.test('jodimilan', async (t) => {
  const here = await world(t, { ...documentEnv('jodimilan'), JODIMILAN_USER_KEY: key.toString('base64') })
  const scene = { ...here, face }
  const { client, code, inbox, later } = here
  await t.test('every request the document prints', (t) => play(t, here, document))
  await playRules(t, scene)

  await t.test('a verified phone or e-mail is a conflict; a claimed one is not', async (t) => {
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

  await t.test('log-in is 403 before the phone is verified, after a right password only', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who)
    t.match(await face.logIn(by, who), {
      status: 403,
      body: { code: 403, success: false, message: 'Account not verified. Please verify your phone number' },
    })
    t.match(await face.logIn(by, { ...who, password: 'not this one' }), face.credentialsWrong)
  })

  await t.test('verify-otp takes only a verification code, otp/login only a log-in code', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who)
    const first = await code(who.phone)
    const early = await by.call('POST', `${auth}/otp/login`, { ...national(who), otp: first })
    t.match(early, { status: 400, body: { data: { attempts_left: 2 } } })
    t.match(await face.verify(by, who, first), face.verified)
    t.match(await face.send(by, who), face.sent, 'the first log-in code is no resend, and has a cooldown of its own')
    const second = await code(who.phone, 2)
    t.match(await face.verify(by, who, second), face.wrong(2))
    t.match(await by.call('POST', `${auth}/otp/login`, { ...national(who), otp: notTheCode(second) }), face.wrong(2))
    t.match(await by.call('POST', `${auth}/otp/login`, { ...national(who), otp: second }), face.loggedIn)
    t.match(await by.call('POST', `${auth}/otp/login`, { ...national(who), otp: second }), { status: 400 }, 'once')
  })

  await t.test('a log-in code is sent again three times', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    for (let n = 0; n < 4; n++) {
      t.match(await face.send(by, who), face.sent)
      await code(who.phone, n + 2)
      await later(31)
    }
    t.match(await face.send(by, who), face.spent)
    t.equal((await inbox(who.phone)).length, 5)
  })

  await t.test('the user is told sealed, and the token says who it is', async (t) => {
    const { who, verified } = await settle(scene, client())
    const { user, user_id: id, access_token: token, expires_at: expiresAt } = verified.body.data
    t.match(decrypt(user), { email: who.email })
    const claims = JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
    t.match(claims, { userId: id, email: who.email, phone: String, ryt_id: `RYT${id}`, aud: 'jodimilan' })
    t.equal(Math.round(Date.parse(expiresAt) / 1_000), claims.exp)
    t.equal(claims.exp - claims.iat, 7 * 86_400)
  })

  await t.test('an account logs in by e-mail, phone or RYT id', async (t) => {
    const by = client()
    const { who, verified } = await settle(scene, by)
    const id = verified.body.data.user_id
    const { password, email } = who
    for (const name of [
      { email },
      { email: `RYT${id}` },
      { email: who.phone },
      { email: who.phone.slice(3), dialing_code: '91' },
      { email: who.phone.slice(3), dialing_code: '+91' },
    ])
      t.match(await by.call('POST', `${auth}/login`, { ...name, password }), {
        ...face.loggedIn,
        body: { data: { user_id: id } },
      })
    t.match(await by.call('POST', `${auth}/login`, { email: 'RYT999999999', password }), face.credentialsWrong)
  })

  await t.test('a profile is validated: dates in the past, positive integers, nothing coerced', async (t) => {
    const by = client()
    for (const wrong of [
      { dob: '2090-01-01' },
      { dob: '1990-13-01' },
      { dob: '01/01/1990' },
      { religion: 0 },
      { caste: -1 },
      { country: 1.5 },
      { state: '1' },
      { dialing_code: '0' },
      { gender: 7 },
    ]) {
      const refused = await face.register(by, randomPerson(), wrong)
      t.match(refused, face.invalid('phone'), JSON.stringify(wrong))
      t.ok(face.isShaped(refused))
      t.match(JSON.stringify(refused.body.data.errors), new RegExp(Object.keys(wrong)[0] as string))
    }
  })
})
