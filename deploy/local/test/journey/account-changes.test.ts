import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { query } from '../../src/postgres.js'
import { type Call, codeFromInbox, journey, newPerson, password, randomPhone } from './journey.js'

const another = 'a different horse battery staple'
const gone = { status: 410, body: { code: 'challenge.gone' } }
const ended = { status: 401, body: { code: 'token.invalid' } }
const wrongPassword = { status: 401, body: { code: 'credentials.wrong' } }

t.test('what could lose somebody his account', async (t) => {
  const { call, stack, inbox } = await journey(t)
  const logIn = (identifier: string, secret = password) => call('POST', '/v1/login', { identifier, password: secret })
  const answer = (started: Awaited<ReturnType<Call>>, body: object) =>
    call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, body)
  const me = (token: string) => call('GET', '/v1/me', undefined, token)
  const age = (sessionId: string) =>
    query(stack.databaseUrl, `update sessions set created_at = now() - interval '11 minutes' where id = '${sessionId}'`)
  let offsetMs = 0
  const later = (ms: number) => call('PUT', '/dev/clock', { offsetMs: (offsetMs += ms) })
  const notice = (phone: string) =>
    eventually(`the notice to ${phone}`, async () => (await inbox(phone)).find(({ body }) => /undo/.test(body)))
  /** Moves somebody to a new phone. */
  async function move({ session }: { session: { accessToken: string } }, phone = randomPhone()) {
    const started = await call('POST', '/v1/me/phone', { phone }, session.accessToken)
    return { phone, started, moved: await answer(started, { code: await codeFromInbox(call, phone) }) }
  }

  await t.test('a phone is changed by a code to the new one; the old one is told, once it is', async (t) => {
    const person = await newPerson(call)
    const other = (await logIn(person.phone)).body.session
    const phone = randomPhone()
    const started = await call('POST', '/v1/me/phone', { phone }, person.session.accessToken)
    t.match(started, {
      status: 202,
      body: { challenge: { purpose: 'change_phone', channel: 'sms', to: `+91••••••${phone.slice(-4)}` } },
    })
    const code = await codeFromInbox(call, phone)
    t.match(await answer(started, { code: code === '000001' ? '000002' : '000001' }), {
      status: 400,
      body: { attemptsLeft: 4 },
    })
    t.equal((await inbox(person.phone)).length, 1, 'nothing has changed yet, and nobody is told that it did')
    t.match(await answer(started, { code }), { status: 200, body: { user: { id: person.user.id, phone } } })
    t.match(await answer(started, { code }), gone)
    const { body, code: seen } = await notice(person.phone)
    t.match(
      body,
      /^Latchkey: the phone number of your account was changed\. .* http:\/\/localhost:\d+\/undo#[a-z]{28}$/,
    )
    t.equal(seen, null, 'nothing in it looks like a code')
    t.notMatch(body.replace(/http\S+/, ''), phone.slice(-4))
    t.match(await me(person.session.accessToken), { status: 200 })
    t.match(await me(other.accessToken), ended)
    t.match(await logIn(person.phone), wrongPassword)
    t.match(await logIn(phone), { status: 200 })
  })

  await t.test('the undo from the old phone gives the account back to it, and wants a new password', async (t) => {
    const person = await newPerson(call)
    const { phone } = await move(person)
    const token = /[a-z]{28}$/.exec((await notice(person.phone)).body)?.[0]
    t.match(await call('POST', '/v1/undo', { token: 'x'.repeat(28) }), { status: 410, body: { code: 'undo.gone' } })
    t.match(await call('POST', '/v1/undo', { token }), { status: 204, body: null })
    t.match(await call('POST', '/v1/undo', { token }), { status: 410, body: { code: 'undo.gone' } })
    t.match(await me(person.session.accessToken), ended)
    for (const number of [phone, person.phone]) t.match(await logIn(number), wrongPassword)
    const forgot = await call('POST', '/v1/password/forgot', { identifier: person.phone })
    const { resetToken } = (await answer(forgot, { code: await codeFromInbox(call, person.phone, 3) })).body
    t.match(await call('POST', '/v1/password/reset', { resetToken, newPassword: another }), { status: 204 })
    t.match(await logIn(person.phone, another), { status: 200, body: { user: { id: person.user.id } } })
  })

  await t.test(
    'a number that has an account gets the same answer; the right code is told, and changes nothing',
    async (t) => {
      const [person, owner] = [await newPerson(call), await newPerson(call)]
      const free = await call('POST', '/v1/me/phone', { phone: randomPhone() }, person.session.accessToken)
      const taken = await call('POST', '/v1/me/phone', { phone: owner.phone }, person.session.accessToken)
      const shape = ({ status, body }: typeof free) => [
        status,
        Object.keys(body.challenge),
        body.challenge.attemptsLeft,
      ]
      t.same(shape(taken), shape(free))
      const code = await codeFromInbox(call, owner.phone, 2)
      t.match(await answer(taken, { code }), { status: 409, body: { code: 'account.exists' } })
      t.match(await answer(taken, { code }), gone)
      t.match(await me(person.session.accessToken), { body: { user: { phone: person.phone } } })
      t.match(await me(owner.session.accessToken), { body: { user: { phone: owner.phone } } })
      t.equal((await inbox(person.phone)).length, 1, 'nobody is told of a change that is none')
      t.match(await call('POST', '/v1/me/phone', { phone: person.phone }, person.session.accessToken), {
        status: 400,
        body: { errors: [{ path: '/phone' }] },
      })
    },
  )

  await t.test(
    'phone and account want the password, or a sign-in of the last ten minutes; a refresh is none',
    async (t) => {
      const { session, user } = await newPerson(call)
      await age(session.id)
      const { accessToken } = (await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken })).body
        .session
      const phone = () => ({ phone: randomPhone() })
      for (const [method, path, body] of [
        ['POST', '/v1/me/phone', phone()],
        ['DELETE', '/v1/me', {}],
      ] as const) {
        t.match(await call(method, path, body, accessToken), { status: 403, body: { code: 'forbidden' } }, path)
        t.match(await call(method, path, { ...body, password: 'not it' }, accessToken), wrongPassword, path)
        t.match(await call(method, path, body), ended, path)
      }
      t.match(await call('POST', '/v1/me/phone', { ...phone(), password }, accessToken), { status: 202 })
      t.match(await me(accessToken), { body: { user: { id: user.id } } })
    },
  )

  await t.test('a change of phone that is older than a reset of the password dies with it', async (t) => {
    const person = await newPerson(call)
    const phone = randomPhone()
    const started = await call('POST', '/v1/me/phone', { phone }, person.session.accessToken)
    const code = await codeFromInbox(call, phone)
    const forgot = await call('POST', '/v1/password/forgot', { identifier: person.phone })
    const { resetToken } = (await answer(forgot, { code: await codeFromInbox(call, person.phone, 2) })).body
    await call('POST', '/v1/password/reset', { resetToken, newPassword: another })
    t.match(await answer(started, { code }), gone)
    t.match(await logIn(person.phone, another), { status: 200, body: { user: { phone: person.phone } } })
  })

  await t.test(
    'with a second factor a log-in takes password and code, and the code is only good for that',
    async (t) => {
      const { phone, session, user } = await newPerson(call)
      const set = (enabled: boolean, secret: string) =>
        call('PUT', '/v1/me/second-factor', { enabled, password: secret }, session.accessToken)
      t.match(await set(true, 'not it'), wrongPassword)
      t.match(await set(true, password), { status: 200, body: { user: { secondFactor: true } } })
      t.match(await logIn(phone, 'not it'), wrongPassword)

      const started = await logIn(phone)
      t.match(started, { status: 202, body: { challenge: { purpose: 'second_factor', channel: 'sms' } } })
      t.equal(started.body.challenge.to, `••••••••${phone.slice(-2)}`, 'of which the caller has typed nothing')
      t.notOk('session' in started.body || 'user' in started.body)
      const byCode = await call('POST', '/v1/login/code', { phone })
      const [signIn, second] = [await codeFromInbox(call, phone, 3), (await inbox(phone))[1]?.code]
      t.match(await answer(started, { code: signIn, password }), { status: 400, body: { code: 'challenge.wrong' } })
      t.match(await answer(byCode, { code: second, password }), { status: 400, body: { attemptsLeft: 4 } })
      t.match(await answer(started, { code: second }), {
        status: 200,
        body: { user: { id: user.id, secondFactor: true }, session: { accessToken: String } },
      })
      t.match(await answer(started, { code: second }), gone)

      const wrong = (attemptsLeft: number) => ({ status: 400, body: { code: 'challenge.wrong', attemptsLeft } })
      t.match(await answer(byCode, { code: signIn }), wrong(3), 'a right code without the password is a wrong answer')
      t.match(await answer(byCode, { code: signIn, password: 'not it' }), wrong(2))
      t.match(await answer(byCode, { code: signIn, password }), { status: 200, body: { user: { id: user.id } } })

      await later(31_000)
      const last = await call('POST', '/v1/login/code', { phone })
      const code = await codeFromInbox(call, phone, 4)
      for (const left of [4, 3, 2, 1, 0]) t.match(await answer(last, { code, password: `guess ${left}` }), wrong(left))
      t.match(await answer(last, { code, password }), gone)
      t.match(await set(false, password), { body: { user: { secondFactor: false } } })
      t.match(await logIn(phone), { status: 200 })
    },
  )

  await t.test(
    'who spends all that a number may be sent and guessed keeps no second factor from its owner',
    async (t) => {
      const { phone, session, user } = await newPerson(call)
      await call('PUT', '/v1/me/second-factor', { enabled: true, password }, session.accessToken)
      for (let status = 202; status === 202; ) {
        await later(301_000)
        const started = await call('POST', '/v1/login/code', { phone })
        status = started.status
        if (status === 202) for (let turn = 0; turn < 4; turn++) await answer(started, { code: '000001' })
      }
      const spent = (await inbox(phone)).length
      const started = await logIn(phone)
      t.match(started, { status: 202, body: { challenge: { purpose: 'second_factor' } } })
      const code = await codeFromInbox(call, phone, spent + 1)
      const mistyped = code === '000001' ? '000002' : '000001'
      t.match(await answer(started, { code: mistyped }), { status: 400, body: { attemptsLeft: 4 } })
      t.match(await answer(started, { code }), { status: 200, body: { user: { id: user.id } } })
      for (let sent = 2; sent <= 6; sent++) {
        await later(301_000)
        t.equal((await logIn(phone)).status, 202)
      }
      await later(301_000)
      t.match(await logIn(phone), { status: 429, body: { code: 'rate.limited' } }, 'it has limits of its own')
    },
  )

  await t.test('a reset switches no second factor off, and ends a log-in that waits for its code', async (t) => {
    const { phone, session } = await newPerson(call)
    await call('PUT', '/v1/me/second-factor', { enabled: true, password }, session.accessToken)
    const waiting = await logIn(phone)
    const code = await codeFromInbox(call, phone, 2)
    const forgot = await call('POST', '/v1/password/forgot', { identifier: phone })
    const { resetToken } = (await answer(forgot, { code: await codeFromInbox(call, phone, 3) })).body
    t.match(await call('POST', '/v1/password/reset', { resetToken, newPassword: another }), { status: 204 })
    t.match(await answer(waiting, { code }), gone)
    await later(31_000)
    t.match(await logIn(phone, another), { status: 202, body: { challenge: { purpose: 'second_factor' } } })
  })

  await t.test('a deleted account is gone for every call of ours, and its phone is free at once', async (t) => {
    const username = `gone${Date.now() % 10 ** 9}`
    const { phone, session, user } = await newPerson(call, { username })
    const staged = (await call('POST', '/staged/api/auth/login', { username, password })).body.token
    const pending = await call('POST', '/v1/login/code', { phone })
    const code = await codeFromInbox(call, phone, 2)
    t.match(await call('DELETE', '/v1/me', undefined, session.accessToken), { status: 204, body: null })
    for (const [method, path] of [
      ['GET', '/v1/me'],
      ['POST', '/v1/logout'],
      ['DELETE', '/v1/me'],
    ] as const)
      t.match(await call(method, path, undefined, session.accessToken), ended, path)
    t.match(await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken }), ended)
    const onStaged = await call('POST', '/staged/api/auth/change-password', { newPassword: another }, staged)
    t.equal(onStaged.status, 401, 'and of a documented API')
    t.match(await logIn(phone), wrongPassword)
    t.match(await answer(pending, { code }), gone)
    await later(31_000)
    const again = await call('POST', '/v1/signup', { phone })
    const created = await answer(again, { code: await codeFromInbox(call, phone, 3) })
    t.match(created, { status: 201, body: { user: { phone } } })
    t.not(created.body.user.id, user.id)
  })
})
