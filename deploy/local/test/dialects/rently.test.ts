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

  await t.test('a phone or e-mail that is taken is told after a right code only, and once', async (t) => {
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
      t.match(await face.verify(by, other, right), face.wrong(2), 'the code is used')
    }
  })

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

  await t.test('an initiate after the cooldown sends the same code again, and refunds no wrong answer', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who)
    const first = await code(who.phone)
    t.match(await face.verify(by, who, notTheCode(first)), face.wrong(2))
    await later(31)
    t.match(await face.register(by, { ...who, password: 'another one' }), face.registered)
    t.equal(await code(who.phone, 2), first)
    t.match(await face.verify(by, who, notTheCode(first)), face.wrong(1))
    await later(31)
    t.match(await face.register(client(), who), face.registered)
    const others = await code(who.phone, 3)
    t.match(await face.verify(by, who, first), face.verified, 'another client has a code of its own')
    t.match(await face.logIn(by, who), face.loggedIn)
    const late = await face.verify(client(), who, others)
    t.match(late, face.conflict, 'which makes no second account')
    t.notOk('attemptsLeft' in late.body)
  })

  await t.test('after the last resend an initiate is refused until the code has ended', async (t) => {
    const [by, who] = [client(), randomPerson()]
    await begin(scene, by, who)
    await code(who.phone)
    for (let n = 0; n < 4; n++) {
      await later(31)
      t.match(await face.register(by, who), face.registered)
      // What still waits when its code has ended is not sent any more.
      await code(who.phone, n + 2)
    }
    await later(31)
    const refused = await face.register(by, who)
    t.match(refused, face.spent)
    t.ok(face.isShaped(refused))
    await later(Number(refused.headers['retry-after']) + 1)
    t.match(await face.register(by, who), face.registered)
    await code(who.phone, 6)
  })

  await t.test(
    'a reset code is sent again, from wherever it is asked for; known and unknown pairs alike',
    async (t) => {
      const { who } = await settle(scene, client())
      // Until what was sent for the sign-up counts no more.
      await later(3_600)
      const nobody = randomPerson()
      const story = async (whom: Person) => {
        const [one, other] = [client(), client()]
        const heard = [await verifyForgot(one, whom, '000001'), await forgot(one, whom)]
        heard.push(await verifyForgot(one, whom, '000001'), await forgot(other, whom))
        for (const by of [other, one, other, one, other]) {
          await later(31)
          heard.push(await forgot(by, whom))
        }
        for (const by of [other, one, client()])
          heard.push(...(await guesses(4, () => verifyForgot(by, whom, '000001'))))
        heard.push(await verifyForgot(client(), whom, '000001'))
        return heard
      }
      const known = await story(who)
      t.same(
        (await story(nobody)).map((answer) => tellTale(answer, nobody)),
        known.map((answer) => tellTale(answer, who)),
      )
      t.match(known.slice(0, 4), [face.wrong(2), { status: 200 }, face.wrong(2), face.cooling])
      t.match(known[8], face.spent)
      const codes = (await inbox(who.phone)).slice(0, 5).map((message) => message.code)
      t.equal(new Set(codes).size, 1, 'one code in five messages')
      t.same(await inbox(nobody.phone), [])
    },
  )

  await t.test(
    'whether a phone belongs to an e-mail is told by no count, whatever pairs are tried before',
    async (t) => {
      const story = async (whom: Person) => {
        const [one, other] = [client(), client()]
        const mistaken = () => ({ ...randomPerson(), email: whom.email })
        const heard = [await forgot(one, mistaken()), ...(await guesses(2, () => verifyForgot(one, whom, '000001')))]
        heard.push(await forgot(one, whom), ...(await guesses(2, () => verifyForgot(one, whom, '000001'))))
        heard.push(await forgot(one, mistaken()), ...(await guesses(3, () => verifyForgot(one, whom, '000001'))))
        heard.push(...(await guesses(2, () => verifyForgot(other, whom, '000001'))))
        await later(31)
        heard.push(await forgot(one, whom), ...(await guesses(2, () => verifyForgot(one, whom, '000001'))))
        heard.push(await forgot(one, whom), await forgot(other, whom))
        return heard
      }
      const { who } = await settle(scene, client())
      await later(3_600)
      const theirs = await story(who)
      for (const suspected of [{ ...randomPerson(), email: who.email }, randomPerson()])
        t.same(
          (await story(suspected)).map((answer) => tellTale(answer, suspected)),
          theirs.map((answer) => tellTale(answer, who)),
        )
      const counted = [face.wrong(2), face.wrong(1)]
      t.match(theirs.slice(0, 6), [{ status: 200 }, ...counted, { status: 200 }, ...counted])
    },
  )

  await t.test('pairs that a stranger names keep nobody from the code of his own', async (t) => {
    const [by, stranger] = [client(), client()]
    const { who } = await settle(scene, by)
    await later(31)
    t.match(await forgot(by, who), { status: 200 })
    const otp = await code(who.phone, 2)
    for (let turn = 0; turn < 4; turn++) await forgot(stranger, { ...randomPerson(), email: who.email })
    await guesses(4, () => verifyForgot(stranger, who, '000001'))
    t.match(
      await verifyForgot(client(), who, otp),
      face.wrong(2),
      'from elsewhere the pair that was named last is meant',
    )
    t.match(await verifyForgot(by, who, otp), { status: 200, body: { resetToken: String } })
  })

  await t.test('of two reset tokens one sets a password, and a password set elsewhere ends both', async (t) => {
    const by = client()
    const { who } = await settle(scene, by)
    const token = async (count: number) => {
      await later(31)
      await forgot(by, who)
      return String((await verifyForgot(by, who, await code(who.phone, count))).body.resetToken)
    }
    const [first, second] = [await token(2), await token(3)]
    const tries = await Promise.all(
      [first, second, first, second].map((resetToken, n) =>
        reset(client(), who.email, `next-${n}-${who.password}`, resetToken),
      ),
    )
    t.same(tries.map(({ status }) => status).sort(), [200, 400, 400, 400])
    const password = `next-${tries.findIndex(({ status }) => status === 200)}-${who.password}`
    const third = await token(4)
    const { body } = await by.call('POST', '/v1/login', { identifier: who.phone, password })
    const newPassword = `last-${who.password}`
    const changed = { currentPassword: password, newPassword }
    t.match(await by.call('POST', '/v1/me/password', changed, { token: body.session.accessToken }), { status: 204 })
    t.match(await reset(by, who.email, password, third), { status: 400 })
    t.match(await face.logIn(by, { ...who, password: newPassword }), face.loggedIn)
  })

  await t.test('a refusal says what is wrong in words', async (t) => {
    for (const [wrong, says] of [
      [{ email: 'nobody' }, 'email is not in the form that is asked for'],
      [{ name: ' ' }, 'name must not be empty'],
      [{ phone: '9876543210' }, /^phone must be a phone number with its country code/],
      [{ role: 'Tenant' }, /^role must be one of /],
    ] as const)
      t.match(await face.register(client(), randomPerson(), wrong), { status: 400, body: { message: says } })
  })
})
