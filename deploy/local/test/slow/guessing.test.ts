import { randomInt } from 'node:crypto'
import t, { type Test } from 'tap'
import { notTheCode, tellTale } from '../dialects/scene.js'
import { type Client, type Person, randomAddress, randomPerson, type World, world } from '../dialects/world.js'
import type { Answer } from '../journey/journey.js'

type Say = (by: Client, who: Person, more?: { token?: string | undefined; deviceToken?: string }) => Promise<Answer>

const national = ({ phone }: Person) => ({ phone: phone.slice(3), dialing_code: '91' })

/** Whatever sends something to the number of an account. */
const sends = {
  'a code to log in by': (by, { phone }, { deviceToken } = {}) =>
    by.call('POST', '/v1/login/code', { phone, deviceToken }),
  'a code to reset the password': (by, { phone: identifier }, { deviceToken } = {}) =>
    by.call('POST', '/v1/password/forgot', { identifier, deviceToken }),
  'jodimilan: a code to log in by': (by, who, { token } = {}) =>
    by.call('POST', '/jodimilan/api/auth/resend/otp', national(who), { token }),
  'rently: a code to reset the password': (by, { email, phone }, { token } = {}) =>
    by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone }, { token }),
  'users-api: a code to prove the number': (by, { phone }) =>
    by.call('POST', '/users-api/api/users/send-phone-otp/', { phone }),
} satisfies Readonly<Record<string, Say>>

/** Whatever compares a password, by the name that is typed. */
const logIns = {
  'by phone': (by, { phone: identifier, password }, { deviceToken } = {}) =>
    by.call('POST', '/v1/login', { identifier, password, deviceToken }),
  'by e-mail': (by, { email: identifier, password }, { deviceToken } = {}) =>
    by.call('POST', '/v1/login', { identifier, password, deviceToken }),
  'staged, by phone': (by, { phone: phoneNumber, password }, { token } = {}) =>
    by.call('POST', '/staged/api/auth/login', { phoneNumber, password }, { token }),
  'careops, by e-mail': (by, { email, password }, { token } = {}) =>
    by.call('POST', '/careops/api/auth/login', { email, password }, { token }),
  'jodimilan, by phone': (by, { phone: email, password }, { token } = {}) =>
    by.call('POST', '/jodimilan/api/auth/login', { email, password }, { token }),
  'rently, by e-mail': (by, { email, password }, { token } = {}) =>
    by.call('POST', '/rently/api/auth/login', { email, password }, { token }),
} satisfies Readonly<Record<string, Say>>

const answer = (by: Client, started: Answer, code: string, deviceToken?: string) =>
  by.call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code, deviceToken })

/** An account with a password, and the session of the device it was made on. */
async function newOwner({ client, code }: World, by = client()) {
  const who = randomPerson()
  const { phone, email, username, password } = who
  const started = await by.call('POST', '/v1/signup', { phone, email, username, password })
  const { body } = await answer(by, started, await code(phone))
  return { by, who, deviceToken: body.session.deviceToken as string }
}

/** Takes every send, every wrong answer and every password that the number of somebody has, on all faces, each time from elsewhere. */
async function exhaust(t: Test, { client, later }: World, who: Person): Promise<void> {
  const wrong = notTheCode(String(randomInt(10 ** 6)).padStart(6, '0'))
  const { phone, email } = who
  const byId = await sends['a code to log in by'](client(), who)
  t.equal(byId.status, 202)
  for (let turn = 0; turn < 4; turn++) await answer(client(), byId, wrong)
  await later(61)
  const otpLogin = { ...national(who), otp: wrong }
  // From one network each: to others a decoy of its own would answer where a live one answers everybody.
  const [one, another] = [client(), client()]
  await sends['jodimilan: a code to log in by'](one, who)
  for (let turn = 0; turn < 3; turn++) await one.call('POST', '/jodimilan/api/auth/otp/login', otpLogin)
  await sends['rently: a code to reset the password'](another, who)
  const otp = { email, otp: wrong }
  for (let turn = 0; turn < 3; turn++) await another.call('POST', '/rently/api/auth/forgot-password-verify-otp', otp)
  await later(61)
  // The eleventh wrong answer of all faces together.
  const last = await sends['a code to reset the password'](client(), who)
  t.match(await answer(client(), last, wrong), { status: 429, body: { code: 'rate.limited' } })
  for (let status = 202; status === 202; ) {
    await later(301)
    status = (await client().call('POST', '/v1/login/code', { phone })).status
  }
  for (const [what, say] of Object.entries(sends)) {
    const refused = await say(client(), who)
    t.match([refused.status, refused.headers['retry-after']], [what.startsWith('jodimilan') ? 400 : 429, /^\d+$/], what)
  }
  const guess = { ...who, password: 'not this one' }
  for (let turn = 0; turn < 3; turn++) for (const say of Object.values(logIns)) await say(client(), guess)
  for (const [what, say] of Object.entries(logIns)) {
    const refused = await say(client(), who)
    t.match([refused.status, refused.headers['retry-after']], [429, /^\d+$/], `${what}: the right one too`)
  }
}

t.test('guessing', async (t) => {
  const here = await world(t, { WRONG_PER_NETWORK_PER_HOUR: '24', WRONG_PASSWORDS_PER_DAY: '6' })
  const { client, code, inbox, stack } = here

  await t.test(
    'a stranger spends every budget of a number on every face; its owner signs in on a known device',
    async (t) => {
      const { by, who, deviceToken } = await newOwner(here)
      const jodimilan = (await logIns['jodimilan, by phone'](by, who)).body.data.access_token as string
      const rently = (await logIns['rently, by e-mail'](by, who)).body.token as string
      const nobody = randomPerson()
      await exhaust(t, here, nobody)
      t.equal(
        (await inbox(nobody.phone)).length,
        0,
        'for somebody who is not there the same is counted, and nothing is sent',
      )
      await exhaust(t, here, who)

      const stranger = await newOwner(here)
      const foreign = { deviceToken: stranger.deviceToken }
      for (const what of ['a code to log in by', 'a code to reset the password'] as const) {
        const [with_, without] = [await sends[what](stranger.by, who, foreign), await sends[what](client(), who)]
        t.equal(with_.status, 429)
        t.same(timeless(with_, who), timeless(without, who), 'a device of another account is as none')
      }
      t.equal((await logIns['by phone'](stranger.by, who, foreign)).status, 429)
      t.equal((await sends['jodimilan: a code to log in by'](stranger.by, who, { token: 'x' })).status, 400)

      let sent = (await inbox(who.phone)).length
      const known = { deviceToken }
      const started = await sends['a code to log in by'](by, who, known)
      t.equal(started.status, 202)
      const right = await code(who.phone, (sent += 1))
      t.match(await answer(by, started, notTheCode(right)), { status: 400, body: { attemptsLeft: 4 } })
      t.match(await answer(by, started, right, deviceToken), {
        status: 200,
        body: { session: { deviceToken: String } },
      })
      t.match(await logIns['by phone'](by, who, known), { status: 200 }, 'for a day the token before is good too')
      t.match(await logIns['by e-mail'](by, who, known), { status: 200 })
      t.match(await logIns['by phone'](client(), who), { status: 429 }, 'which refunds no stranger')

      t.match(await logIns['jodimilan, by phone'](by, who, { token: jodimilan }), { status: 200 }, 'so is a full token')
      t.match(await logIns['jodimilan, by phone'](by, who, { token: rently }), { status: 429 }, 'of its own face')
      await here.later(31)
      t.match(await sends['jodimilan: a code to log in by'](by, who, { token: jodimilan }), { status: 200 })
      const otp = await code(who.phone, (sent += 1))
      const otpLogin = (token?: string) =>
        by.call('POST', '/jodimilan/api/auth/otp/login', { ...national(who), otp }, { token })
      t.match(await otpLogin(), { status: 429 }, 'the right code, without the token')
      t.match(await otpLogin(jodimilan), { status: 200, body: { data: { access_token: String } } })

      const forgot = await sends['a code to reset the password'](by, who, known)
      const { resetToken } = (await answer(by, forgot, await code(who.phone, (sent += 1)))).body
      const password = 'a new horse battery staple'
      t.equal((await by.call('POST', '/v1/password/reset', { resetToken, newPassword: password })).status, 204)
      t.match(await logIns['by phone'](by, { ...who, password }, known), { status: 200 })
    },
  )

  await t.test(
    'a newcomer behind the address of one who guesses at somebody signs up, mistypes and logs in',
    async (t) => {
      const { who } = await newOwner(here)
      const address = randomAddress()
      const [guesser, by] = [client({ address }), client({ address })]
      const started = await sends['a code to log in by'](guesser, who)
      for (let turn = 0; turn < 30; turn++) {
        await answer(guesser, started, '000001')
        await logIns['by phone'](guesser, { ...who, password: 'not this one' })
      }
      const newcomer = randomPerson()
      const { phone, password } = newcomer
      const challenge = await by.call('POST', '/v1/signup', { phone, password })
      const right = await code(phone)
      t.match(await answer(by, challenge, notTheCode(right)), { status: 400 })
      t.match(await answer(by, challenge, right), { status: 201 })
      t.match(await logIns['by phone'](by, { ...newcomer, password: 'mistyped' }), { status: 401 })
      t.match(await logIns['by phone'](by, newcomer), { status: 200 })
    },
  )

  await t.test(
    'who guesses at many accounts from one /64 is stopped there, on every face; a known device is not',
    async (t) => {
      const { who, deviceToken } = await newOwner(here)
      const [network] = randomAddress().split('::')
      const spray = (host: number) => client({ address: `${network}::${host.toString(16)}` })
      for (let n = 0; n < 24; n++) {
        const say = Object.values(logIns)[n % 6] as Say
        t.equal((await say(spray(n), randomPerson())).status, 401)
      }
      for (const [what, say] of Object.entries(logIns))
        t.match(await say(spray(99), randomPerson()), { status: 429, headers: { 'retry-after': /^\d+$/ } }, what)
      const started = await sends['a code to log in by'](spray(98), who)
      t.match(await answer(spray(98), started, await code(who.phone, 2)), { status: 429 }, 'answers are guesses too')
      t.match(await logIns['by phone'](spray(97), who, { deviceToken }), { status: 200 })
      t.match(await logIns['by phone'](client(), who), { status: 200 })
    },
  )

  await t.test('a stolen session does not guess the password on', async (t) => {
    const { by, who } = await newOwner(here)
    const { body } = await logIns['by phone'](by, who)
    const change = (currentPassword: string) =>
      client().call(
        'POST',
        '/v1/me/password',
        { newPassword: 'a third horse', currentPassword },
        {
          token: body.session.accessToken,
        },
      )
    for (let turn = 0; turn < 6; turn++) t.equal((await change('not this one')).status, 401)
    t.match(await change(who.password), { status: 429, body: { code: 'rate.limited' } })
    t.match(await logIns['by phone'](client(), who), { status: 200 }, 'whoever knows it logs in')
  })

  await t.test('operators see what was refused unread, by budget', async (t) => {
    const text = await fetch(`${stack.opsUrls['auth-gateway']}/metrics`).then((answer) => answer.text())
    for (const budget of ['network', 'account', 'known_device', 'phone'])
      t.match(text, new RegExp(`^latchkey_guesses_refused_total{.*budget="${budget}".*} [1-9]`, 'm'), budget)
  })
})

/** Everything but when to come again, which the clock moves. */
const timeless = (answer: Answer, who: Person) =>
  JSON.stringify(tellTale(answer, who)).replace(/"retryAt":"[^"]*"|"requestId":"[^"]*"|"instance":"[^"]*"/g, '')
