import { createDecipheriv, randomBytes } from 'node:crypto'
import t from 'tap'
import { jodimilan as face } from './faces/jodimilan.js'
import { jodimilan as document } from './fixtures/jodimilan.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, guesses, notTheCode, settle, tellTale } from './scene.js'
import { type Client, type Person, randomAddress, randomPerson, world } from './world.js'

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
  const { client, code, inbox, later, rowsOf } = here
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
      { dob: new Date().toISOString().slice(0, 10) },
      { dob: '1990-02-30' },
      { dob: '1990-13-01' },
      { dob: '1990-01-01T00:00:00Z' },
      { dob: '01/01/1990' },
      { religion: 0 },
      { caste: -1 },
      { country: 1.5 },
      { state: '1' },
      { religion: 2_147_483_648 },
      { dialing_code: '0' },
      { dialing_code: '0091' },
      { dialing_code: 91 },
      { gender: 7 },
      { name: '  ' },
    ]) {
      const refused = await face.register(by, randomPerson(), wrong)
      t.match(refused, face.invalid('phone'), JSON.stringify(wrong))
      t.ok(face.isShaped(refused))
      t.match(JSON.stringify(refused.body.data.errors), new RegExp(Object.keys(wrong)[0] as string))
      t.notMatch(JSON.stringify(refused.body), /\\\\|\^|NOT/, 'in words')
    }
  })

  await t.test('one phone however it is typed, also where a zero is one of its digits', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const digits = who.phone.slice(3)
    for (const [phone, dialing_code] of [
      [digits, '+91'],
      [`0${digits}`, '91'],
      [`(${digits.slice(0, 5)}) ${digits.slice(5)}`, '91'],
      [`0091${digits}`, '91'],
      [who.phone, '1'],
    ] as const)
      t.match(
        await by.call('POST', `${auth}/login`, { email: phone, dialing_code, password: who.password }),
        face.loggedIn,
        phone,
      )
    const abidjan = `07${who.phone.slice(-8)}`
    const ivorian = { ...randomPerson(), phone: `+225${abidjan}` }
    t.match(await face.register(by, ivorian, { phone: abidjan, dialing_code: '225' }), face.registered)
    await code(ivorian.phone)
  })

  await t.test('whether a number has an account is told to nobody who asks from several networks', async (t) => {
    const { who } = await settle(scene, client())
    const nobody = randomPerson()
    const logIn = (by: Client, whom: Person) =>
      by.call('POST', `${auth}/otp/login`, { ...national(whom), otp: '000001' })
    /** Guesses, sends, and guesses from more networks than a code takes. */
    const story = async (whom: Person) => {
      const [one, other] = [client(), client()]
      const heard = [await logIn(one, whom), await face.send(one, whom), await logIn(one, whom)]
      for (const by of [other, one, other]) {
        await later(31)
        heard.push(await face.send(by, whom))
      }
      await later(31)
      heard.push(await face.send(one, whom), await face.send(other, whom))
      for (const by of [one, other, client()]) heard.push(...(await guesses(4, () => logIn(by, whom))))
      heard.push(await logIn(client(), whom))
      return heard
    }
    const known = await story(who)
    t.same(
      (await story(nobody)).map((answer) => tellTale(answer, nobody)),
      known.map((answer) => tellTale(answer, who)),
    )
    t.match(known.slice(0, 3), [face.wrong(2), face.sent, face.wrong(2)])
    t.match(known.slice(6, 8), [face.spent, face.spent])
    t.match(known.at(-1), face.exhausted)
    t.same(await inbox(nobody.phone), [])
  })

  await t.test('a profile has the fields of the document and no other, and none goes over what is so', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who, { profile: {}, role: 'admin', is_admin: true, ryt_id: 'RYT1', country: 7 })
    const verified = await face.verify(by, who, await code(who.phone))
    const { user, user_id: id } = verified.body.data
    t.match(decrypt(user), { user_id: id, ryt_id: `RYT${id}`, phone: who.phone, phone_verified: true, country: 7 })
    for (const dropped of ['profile', 'role', 'is_admin', 'password', 'dialing_code'])
      t.notOk(dropped in decrypt(user), dropped)
    const [row] = await rowsOf(who.email)
    t.match(row, { role: 'user' })
    t.same(
      Object.keys(row?.['profile'] as object)
        .sort()
        .join(' '),
      'caste country dob first_name gender last_name mat_status profile_by religion state',
    )
  })

  await t.test('who asks for codes too often from one address is told so as it is documented', async (t) => {
    const address = randomAddress()
    const answers = await guesses(31, () => face.send(client({ address }), randomPerson()))
    t.equal(answers.filter(({ status }) => status === 200).length, 30)
    t.match(answers.at(-1), face.limited)
  })
})
