import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { type Call, codeFromInbox, journey, newPerson, password, randomPhone, twilioStandIn } from './journey.js'

const twilio = await twilioStandIn(t)
const [{ stack, call, inbox }, carried] = await Promise.all([journey(t), journey(t, twilio.env)])

t.test('sign up, prove the phone, refresh, log out, log in by password and by code: with the inbox', async (t) => {
  await walk(t, call, (phone, count) => codeFromInbox(call, phone, count))
})

t.test('the same through Twilio', async (t) => {
  const { call } = carried
  await walk(t, call, twilio.code)

  const phone = randomPhone()
  await call('POST', '/v1/signup', { phone })
  await twilio.code(phone)
  const [accept] = await twilio.accepts(phone)
  t.ok(
    accept?.validityPeriod !== null && Number(accept?.validityPeriod) > 290 && Number(accept?.validityPeriod) <= 300,
    'the carrier drops it when the code dies',
  )
})

async function walk(t: Test, call: Call, codeOf: (phone: string, count: number) => Promise<string>): Promise<void> {
  const phone = randomPhone()
  const started = await call('POST', '/v1/signup', { phone, password, name: 'Asha Rao', profile: { city: 'Pune' } })
  t.equal(started.status, 202)
  t.match(started.body.challenge, {
    purpose: 'sign_up',
    channel: 'sms',
    to: `+91••••••${phone.slice(-4)}`,
    attemptsLeft: 5,
    resendsLeft: 4,
  })
  const answer = `/v1/challenges/${started.body.challenge.id}/answer`

  t.match(await call('POST', answer, { code: '000000' }), {
    status: 400,
    body: { code: 'challenge.wrong', attemptsLeft: 4 },
  })
  const proved = await call('POST', answer, { code: await codeOf(phone, 1) })
  t.match(proved, {
    status: 201,
    body: {
      user: { phone, phoneVerified: true, name: 'Asha Rao', profile: { city: 'Pune' }, hasPassword: true },
      session: { tokenType: 'Bearer', expiresIn: 600 },
    },
  })
  const { user, session } = proved.body

  t.match(await call('GET', '/v1/me', undefined, session.accessToken), { status: 200, body: { user: { id: user.id } } })
  t.match(await call('PATCH', '/v1/me', { name: 'Asha' }, session.accessToken), {
    status: 200,
    body: { user: { name: 'Asha', profile: { city: 'Pune' } } },
  })

  const refreshed = await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken })
  t.equal(refreshed.status, 200)
  t.equal(refreshed.body.session.deviceToken, session.deviceToken, 'the device token is kept')
  t.not(refreshed.body.session.refreshToken, session.refreshToken)

  t.equal((await call('POST', '/v1/logout', undefined, session.accessToken)).status, 204)
  t.match(
    await call('GET', '/v1/me', undefined, refreshed.body.session.accessToken),
    { status: 401, body: { code: 'token.invalid' } },
    'the session is over for all its tokens',
  )
  t.equal((await call('POST', '/v1/token/refresh', { refreshToken: refreshed.body.session.refreshToken })).status, 401)

  const byPassword = await call('POST', '/v1/login', { identifier: phone, password, deviceToken: session.deviceToken })
  t.match(byPassword, { status: 200, body: { user: { id: user.id } } })
  t.not(byPassword.body.session.deviceToken, session.deviceToken, 'used once, the device token is issued anew')
  t.match(await call('POST', '/v1/login', { identifier: phone, password: 'not the password' }), {
    status: 401,
    body: { code: 'credentials.wrong' },
  })

  const code = await call('POST', '/v1/login/code', { phone })
  t.match(code, { status: 202, body: { challenge: { purpose: 'sign_in' } } })
  const byCode = await call('POST', `/v1/challenges/${code.body.challenge.id}/answer`, { code: await codeOf(phone, 2) })
  t.match(byCode, { status: 200, body: { user: { id: user.id } } })

  const forgot = await call('POST', '/v1/password/forgot', { identifier: phone })
  const reset = await call('POST', `/v1/challenges/${forgot.body.challenge.id}/answer`, {
    code: await codeOf(phone, 3),
  })
  t.equal(reset.status, 200)
  t.same(Object.keys(reset.body).sort(), ['expiresAt', 'resetToken'])
}

t.test('a challenge tells what became of its code', async (t) => {
  const { call } = carried
  const delivery = (id: string, wanted: string) =>
    eventually(
      `delivery ${wanted}`,
      async () => {
        const { body } = await call('GET', `/v1/challenges/${id}`)
        return body.delivery === wanted && body
      },
      15_000,
    )

  const fine = await call('POST', '/v1/signup', { phone: randomPhone() })
  t.notHas(await delivery(fine.body.challenge.id, 'sent'), { reason: String })

  const refusedPhone = randomPhone()
  await twilio.order({ to: refusedPhone, fault: 'refuse', code: 21610 })
  const refused = await call('POST', '/v1/signup', { phone: refusedPhone })
  t.match(await delivery(refused.body.challenge.id, 'failed'), { reason: /START/ }, 'and why, and what to do')
  t.same(await twilio.accepts(refusedPhone), [])
})

t.test(
  'nobody learns who exists: unknown numbers and names get the same answers, count down alike, and get no SMS',
  async (t) => {
    const { phone } = await newPerson(call, { username: `asha${Date.now() % 10 ** 9}` })
    const stranger = randomPhone()
    const shapeOf = ({ status, headers, body }: { status: number; headers: object; body: any }) => ({
      status,
      headers: Object.keys(headers).sort(),
      keys: Object.keys(body.challenge ?? body).sort(),
    })

    for (const ask of [
      (number: string) => call('POST', '/v1/login/code', { phone: number }),
      (number: string) => call('POST', '/v1/password/forgot', { identifier: number }),
    ]) {
      const [known, unknown] = [await ask(phone), await ask(stranger)]
      t.same(shapeOf(unknown), shapeOf(known))
      for (const { body } of [known, unknown]) {
        const wrong = []
        for (let n = 0; n < 6; n++)
          wrong.push((await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code: '000001' })).body)
        t.same(
          wrong.map(({ code, attemptsLeft }) => attemptsLeft ?? code),
          [4, 3, 2, 1, 0, 'challenge.gone'],
        )
      }
      t.match([await ask(phone), await ask(stranger)], [{ status: 429 }, { status: 429 }], 'the cooldown is the same')
    }
    const nobody = await call('POST', '/v1/password/forgot', { identifier: 'nobody.at.all' })
    t.equal(nobody.body.challenge.to, null)
    await eventually(
      'the decoy to move',
      async () => (await call('GET', `/v1/challenges/${nobody.body.challenge.id}`)).body.delivery !== 'queued',
    )
    t.same(await inbox(stranger), [])
  },
)

t.test('one request id leads through the logs of the gateway, users and the worker', async (t) => {
  const phone = randomPhone()
  const answer = await call('POST', '/v1/signup', { phone })
  const requestId = String(answer.headers['x-request-id'])
  await codeFromInbox(call, phone)
  const services = await eventually('all three to log it', async () => {
    const lines = stack
      .logs()
      .split('\n')
      .filter((line) => line.includes(requestId))
    const named = new Set(lines.map((line) => JSON.parse(line).service))
    return named.size === 3 && [...named].sort()
  })
  t.same(services, ['auth-gateway', 'sms-worker', 'users'])
})

t.test(
  "a reset by name tells nothing of the phone behind it: its cooldown and limits are not the name's",
  async (t) => {
    const username = `u${Date.now() % 10 ** 9}`
    const { phone } = await newPerson(call, { username })
    t.equal((await call('POST', '/v1/password/forgot', { identifier: phone })).status, 202)
    const [known, unknown] = [
      await call('POST', '/v1/password/forgot', { identifier: username }),
      await call('POST', '/v1/password/forgot', { identifier: `${username}x` }),
    ]
    const waitOf = ({ body }: { body: any }) =>
      Math.round((Date.parse(body.challenge.resendAt) - Date.parse(body.challenge.expiresAt)) / 1_000)
    t.same([known.status, unknown.status], [202, 202])
    t.equal(waitOf(known), waitOf(unknown))
    t.equal((await inbox(phone)).length, 2, 'the sign-up code and one reset code: the phone has a cooldown of its own')
  },
)

t.test(
  'signing up with a number that has an account looks the same; its owner gets one notice instead of a code',
  async (t) => {
    const { phone, user } = await newPerson(call)
    await call('PUT', '/dev/clock', { offsetMs: 31_000 })
    const again = await call('POST', '/v1/signup', { phone, password: 'attackers own words', name: 'Mallory' })
    t.match(again, { status: 202, body: { challenge: { purpose: 'sign_up', attemptsLeft: 5 } } })
    const notice = await eventually('the notice', async () => {
      const { body } = await call('GET', `/dev/inbox?to=${encodeURIComponent(phone)}`)
      return body.length === 2 && body[0]
    })
    t.match(notice, { code: null, body: /already has an account/ })
    t.match(await call('POST', '/v1/login', { identifier: phone, password: 'attackers own words' }), { status: 401 })
    t.match(await call('POST', '/v1/login', { identifier: phone, password }), {
      status: 200,
      body: { user: { id: user.id, name: null } },
    })
  },
)
