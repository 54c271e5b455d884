import { randomPerson } from '../world.js'
import { begin, notTheCode, type Sentence, settle, tellTale } from '../scene.js'

export const accounts: readonly Sentence[] = [
  [
    'a right password logs in, a wrong one and an unknown name get one answer',
    async (t, scene) => {
      const { face, client } = scene
      const by = client()
      const { who } = await settle(scene, by)
      t.match(await face.logIn(by, who), face.loggedIn)
      const nobody = randomPerson()
      const answers = [
        await face.logIn(by, { ...who, password: 'not this one' }),
        await face.logIn(by, nobody),
      ] as const
      t.match(answers, [face.credentialsWrong, face.credentialsWrong])
      t.same(tellTale(answers[1], nobody), tellTale(answers[0], who))
      if (face.name !== 'users-api') t.ok(face.isShaped(answers[0]))
    },
  ],
  [
    'what a stranger must not say of himself never reaches the account',
    async (t, scene) => {
      const { face, client, rowsOf, code } = scene
      const [by, who] = [client(), randomPerson()]
      const forged = {
        is_active: true,
        isPhoneVerified: true,
        is_phone_verified: true,
        phone_verified: true,
        email_verified: true,
        verified: true,
        id: 4_711,
        user_id: 4_711,
        number: 4_711,
        is_staff: true,
        secondFactor: true,
      }
      const registered = await begin(scene, by, who, forged)
      t.match(registered, face.registered)
      t.notMatch(JSON.stringify(registered.body), /4711/)
      const rows = await rowsOf(who.email)
      t.ok(rows.length === (face.name === 'rently' ? 0 : 1))
      for (const row of rows)
        t.match(row, {
          active: false,
          phone: null,
          phone_verified_at: null,
          email_verified_at: null,
          second_factor: false,
        })
      for (const { number, role } of rows) t.match([number, role], [/^(?!4711$)/, /^(user|tenant)$/])
      t.match(await face.verify(by, who, await code(who.phone)), face.verified)
    },
  ],
  [
    'a role that strangers may not give themselves is refused, or never read',
    async (t, scene) => {
      const { face, client, rowsOf } = scene
      const [by, who] = [client(), randomPerson()]
      const answer = await face.register(by, who, { role: 'admin' })
      if (answer.status >= 400) {
        t.match(answer, face.invalid('role'))
        t.ok(face.isShaped(answer))
      } else t.match(answer, face.registered)
      const rows = await rowsOf(who.email)
      t.notOk(rows.some(({ role }) => role === 'admin'))
    },
  ],
  [
    'an impossible number is the validation error; nothing is stored and nothing is sent',
    async (t, { face, client, rowsOf, inbox }) => {
      for (const phone of ['+9112345', '+910000000000', '+1123', 'phone', '', '+919876543210 ext. 5']) {
        const who = { ...randomPerson(), phone }
        const answer = await face.register(
          client(),
          who,
          face.name === 'jodimilan' ? { phone, dialing_code: '91' } : {},
        )
        t.match(answer, face.invalid('phone'), phone)
        t.ok(face.isShaped(answer), JSON.stringify(answer.body))
        t.same(await rowsOf(who.email), [])
        if (/^\+\d+$/.test(phone)) t.same(await inbox(phone), [])
      }
    },
  ],
  [
    'nothing is coerced: a code that is a number is the validation error, and counts nothing',
    async (t, { face, client, code }) => {
      const [by, who] = [client(), randomPerson()]
      await begin({ face }, by, who)
      const right = await code(who.phone)
      for (const mistyped of [Number(right), null, [right], { code: right }, true, undefined]) {
        const answer = await face.verify(by, who, mistyped)
        t.match(answer, face.invalid('code'), JSON.stringify(mistyped))
        t.ok(face.isShaped(answer), JSON.stringify(answer.body))
        t.notMatch(JSON.stringify(answer.body), /attempts_?left/i)
      }
      t.match(await face.verify(by, who, notTheCode(right)), face.wrong(2))
    },
  ],
  [
    'every field of a registration is asked for, and must be a text',
    async (t, { face, client }) => {
      const by = client()
      const fields = {
        staged: ['username', 'email', 'phoneNumber'],
        careops: ['email', 'password', 'full_name'],
        jodimilan: ['name', 'last_name', 'email', 'phone', 'dialing_code', 'password', 'gender', 'dob', 'profile_by'],
        rently: ['name', 'email', 'phone', 'password', 'role'],
        'users-api': ['email', 'phone', 'password', 'password_confirm'],
      }[face.name]
      for (const field of fields)
        for (const value of [undefined, 7]) {
          const answer = await face.register(by, randomPerson(), { [field]: value })
          t.equal(answer.status, face.invalid('email').status, `${field}: ${value}`)
          t.ok(face.isShaped(answer), JSON.stringify(answer.body))
          t.match(JSON.stringify(answer.body), new RegExp(field), `${field} is named`)
        }
    },
  ],
]
