import t from 'tap'
import { rently as face } from './faces/rently.js'
import { rently as document } from './fixtures/rently.js'
import { documentEnv, play } from './play.js'
import { playRules } from './rules/rules.js'
import { begin, guesses, notTheCode, settle, tellTale } from './scene.js'
import { type Client, type Person, randomPerson, world } from './world.js'

const auth = '/rently/api/auth'
const forgot = (by: Client, { email, phone }: Pick<Person, 'email' | 'phone'>) =>
  by.call('POST', `${auth}/forgot-password-initiate`, { email, phone })
const verifyForgot = (by: Client, { email }: Pick<Person, 'email'>, otp: string) =>
  by.call('POST', `${auth}/forgot-password-verify-otp`, { email, otp })
const reset = (by: Client, email: string, newPassword: string, resetToken: string) =>
  by.call('POST', `${auth}/reset-password`, { email, newPassword, resetToken })

t.test('rently', async (t) => {
  const here = await world(t, documentEnv('rently'))
  const scene = { ...here, face }
  const { client, code, inbox, later, rowsOf } = here
  await t.test('every request the document prints', (t) => play(t, here, document))
  await playRules(t, scene)

  await t.test('nothing exists before the proof, and what is told with the code is what is kept', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, { ...who, password: 'told at first' })
    t.same(await rowsOf(who.email), [])
    const otp = await code(who.phone)
    const verified = await by.call('POST', `${auth}/signup-verify-otp`, {
      name: 'Another Name',
      email: who.email,
      phone: who.phone,
      password: who.password,
      role: 'landlord',
      otp,
    })
    t.match(verified, { status: 201, body: { user: { name: 'Another Name', role: 'landlord' } } })
    t.match(await face.logIn(by, who), face.loggedIn)
    t.match(await face.logIn(by, { ...who, password: 'told at first' }), face.credentialsWrong)
  })

  await t.test(
    'a phone or e-mail that is taken is told after a right code only, and the code is not spent on it',
    async (t) => {
      const by = client()
      const { who } = await settle(scene, by)
      for (const taken of ['phone', 'email'] as const) {
        await later(31)
        const other = { ...randomPerson(), [taken]: who[taken] }
        const before = (await inbox(other.phone)).length
        t.match(await face.register(by, other), face.registered)
        const right = await code(other.phone, before + 1)
        t.match(await face.verify(by, other, notTheCode(right)), face.wrong(2))
        const refused = await face.verify(by, other, right)
        t.match(refused, face.conflict)
        t.notOk('attemptsLeft' in refused.body)
        t.ok(face.isShaped(refused))
      }
    },
  )

  await t.test(
    'a forgotten password: known and unknown pairs are answered, cool down and count down alike',
    async (t) => {
      const by = client()
      const [{ who }, nobody] = [await settle(scene, by), randomPerson()]
      const ask = async (whom: Person, by: Client) => [
        await forgot(by, whom),
        await forgot(by, whom),
        ...(await guesses(4, () => verifyForgot(by, whom, '000001'))),
      ]
      const known = await ask(who, client())
      t.match(known.slice(0, 2), [
        { status: 200, body: { message: 'OTP sent to your registered phone number', otpSent: true, email: who.email } },
        face.cooling,
      ])
      t.match(known.slice(2, 5), [face.wrong(2), face.wrong(1), face.wrong(0)])
      const unknown = await ask(nobody, client())
      t.same(
        unknown.map((answer) => tellTale(answer, nobody)),
        known.map((answer) => tellTale(answer, who)),
      )
      const halfRight = { ...randomPerson(), email: who.email }
      t.match(await forgot(client(), halfRight), { status: 200 })
      t.same([await inbox(nobody.phone), await inbox(halfRight.phone)], [[], []])
    },
  )

  await t.test(
    'a reset token is good once, for its e-mail, and ends every session; a try for another spends nothing',
    async (t) => {
      const by = client()
      const [{ who }, { who: other }] = [await settle(scene, by), await settle(scene, client())]
      await forgot(by, who)
      const verified = await verifyForgot(by, who, await code(who.phone, 2))
      t.match(verified, {
        status: 200,
        body: { message: 'OTP verified. You can now reset your password.', resetToken: String, email: who.email },
      })
      const { resetToken } = verified.body
      const next = `next-${who.password}`
      for (const refused of [
        await reset(by, other.email, next, resetToken),
        await reset(by, 'nobody@example.com', next, resetToken),
        await reset(by, who.email, 'short', resetToken),
        await reset(by, who.email, next, `${resetToken.slice(0, -2)}xx`),
        await reset(by, who.email, next, 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.x'),
      ]) {
        t.match(refused, { status: 400, body: { message: String } })
        t.ok(face.isShaped(refused))
      }
      t.match(await face.logIn(by, other), face.loggedIn)
      t.match(await reset(by, who.email, next, resetToken), {
        status: 200,
        body: { message: 'Password reset successfully' },
      })
      t.match(await reset(by, who.email, next, resetToken), { status: 400 })
      t.match(await face.logIn(by, who), face.credentialsWrong)
      t.match(await face.logIn(by, { ...who, password: next }), face.loggedIn)
    },
  )

  await t.test('codes of one purpose are nothing to another', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    await forgot(by, who)
    const otp = await code(who.phone, 2)
    t.match(await face.verify(by, who, otp), face.wrong(2))
    t.match(await verifyForgot(by, who, otp), { status: 200 })
  })
})
