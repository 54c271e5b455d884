import { randomBytes } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { query } from '../../src/postgres.js'
import { type Call, codeFromInbox, journey, newPerson, password, randomPhone } from '../journey/journey.js'

const another = 'a different horse battery staple'
const gone = { status: 410, body: { code: 'challenge.gone' } }
const ended = { status: 401, body: { code: 'token.invalid' } }
const wrongPassword = { status: 401, body: { code: 'credentials.wrong' } }
const someMailbox = () => `asha.${randomBytes(5).toString('hex')}@example.com`

t.test('people who are reached by mail', async (t) => {
  const { call, stack } = await journey(t)
  const logIn = (identifier: string, secret = password) => call('POST', '/v1/login', { identifier, password: secret })
  const answer = (started: Awaited<ReturnType<Call>>, body: object) =>
    call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, body)
  const inbox = async (
    to: string,
  ): Promise<{ body: string; code: string | null; channel: string; subject?: string }[]> =>
    (await call('GET', `/dev/inbox?to=${encodeURIComponent(to)}`)).body
  const me = (token: string) => call('GET', '/v1/me', undefined, token)
  const undoToken = (to: string) =>
    eventually(
      `the notice to ${to}`,
      async () => /[a-z]{28}/.exec((await inbox(to)).find(({ body }) => /undo/.test(body))?.body ?? '')?.[0],
    )
  let offsetMs = 0
  const later = (ms: number) => call('PUT', '/dev/clock', { offsetMs: (offsetMs += ms) })

  /** Somebody with an e-mail and no phone. */
  async function newcomer(email = someMailbox()) {
    const started = await call('POST', '/v1/signup', { email, password, name: 'Asha' })
    const made = await answer(started, { code: await codeFromInbox(call, email) })
    return { email, started, made, session: made.body.session, user: made.body.user }
  }
  /** Proves another e-mail for somebody. */
  async function proveEmail(token: string, email: string, count = 1) {
    const started = await call('POST', '/v1/me/email', { email }, token)
    return { started, proved: await answer(started, { code: await codeFromInbox(call, email, count) }) }
  }
  /** A new password by a code that was mailed, or sent to a phone. */
  async function reset(identifier: string, to: string, count: number) {
    const forgot = await call('POST', '/v1/password/forgot', { identifier })
    const { resetToken } = (await answer(forgot, { code: await codeFromInbox(call, to, count) })).body
    return call('POST', '/v1/password/reset', { resetToken, newPassword: another })
  }

  await t.test('an account is made by e-mail alone, and logs in', async (t) => {
    const { email, started, made, user } = await newcomer()
    t.match(started, {
      status: 202,
      body: { challenge: { purpose: 'sign_up', channel: 'email', to: `${email[0]}•••@example.com`, attemptsLeft: 5 } },
    })
    t.match(made, { status: 201, body: { user: { email, emailVerified: true, phone: null, phoneVerified: false } } })
    t.match(await inbox(email), [{ channel: 'email', subject: 'Your Latchkey code' }])
    t.match(await logIn(email), { status: 200, body: { user: { id: user.id } } })
    t.match(await call('POST', '/v1/signup', { name: 'nobody' }), {
      status: 400,
      body: { errors: [{ path: '/phone' }] },
    })
  })

  await t.test('an address that has an account gets the same answer, and its owner one notice a day', async (t) => {
    const { email, user } = await newcomer()
    await later(31_000)
    const free = await call('POST', '/v1/signup', { email: someMailbox(), password })
    const shape = ({ status, body }: typeof free) => [status, Object.keys(body.challenge), body.challenge.attemptsLeft]
    const taken = await call('POST', '/v1/signup', { email, password: another })
    t.same(shape(taken), shape(free))
    await eventually('the notice', async () => (await inbox(email)).length === 2)
    t.match((await inbox(email))[0], { subject: 'Somebody tried to sign up with your address', code: null })
    t.match(await answer(taken, { code: '000000' }), { status: 400, body: { attemptsLeft: 4 } })
    await later(61_000)
    t.match(await call('POST', '/v1/signup', { email }), { status: 202 })
    // Mailed after what was to stay quiet: once it is there, so would that be.
    const forgot = await call('POST', '/v1/password/forgot', { identifier: email })
    await codeFromInbox(call, email, 3)
    t.match(await answer(forgot, { code: (await inbox(email))[0]?.code }), { status: 200 })
    t.equal((await inbox(email)).length, 3)
    t.match(await logIn(email), { body: { user: { id: user.id } } })
  })

  await t.test('who only said that an e-mail is his loses it to who proves it', async (t) => {
    const squatter = await newPerson(call)
    const email = someMailbox()
    await query(stack.databaseUrl, `update users set email = '${email}' where id = '${squatter.user.id}'`)
    const { made } = await newcomer(email)
    t.match(made, { status: 201, body: { user: { email, emailVerified: true } } })
    t.match(await me(squatter.session.accessToken), { status: 200, body: { user: { email: null } } })
  })

  await t.test(
    'a forgotten password: mail where the e-mail was proved, else the phone; who asks cannot tell',
    async (t) => {
      const { email } = await newcomer()
      const person = await newPerson(call)
      const unproved = someMailbox()
      await query(stack.databaseUrl, `update users set email = '${unproved}' where id = '${person.user.id}'`)
      const asked = await Promise.all(
        [email, unproved, someMailbox()].map((identifier) => call('POST', '/v1/password/forgot', { identifier })),
      )
      for (const { status, body } of asked)
        t.match({ status, ...body.challenge }, { status: 202, purpose: 'reset_password', channel: 'email', to: null })
      await codeFromInbox(call, email, 2)
      await codeFromInbox(call, person.phone, 2)
      for (const { body } of asked)
        t.match((await call('GET', `/v1/challenges/${body.challenge.id}`)).body, { delivery: 'sent' })
      t.strictSame(await inbox(unproved), [], 'no code goes to an address that nobody proved')
      await later(31_000)
      t.match(await reset(email, email, 3), { status: 204 })
      t.match(await logIn(email), wrongPassword)
      t.match(await logIn(email, another), { status: 200 })
    },
  )

  await t.test('an e-mail is changed by a code to the new one; the old one is told, and can undo it', async (t) => {
    const { email, session, user } = await newcomer()
    const next = someMailbox()
    const other = (await logIn(email)).body.session
    const { started, proved } = await proveEmail(session.accessToken, next)
    t.match(started, { status: 202, body: { challenge: { purpose: 'verify_email', channel: 'email' } } })
    t.match(proved, { status: 200, body: { user: { id: user.id, email: next, emailVerified: true } } })
    t.match(await me(session.accessToken), { status: 200 })
    t.match(await me(other.accessToken), ended)
    const token = await undoToken(email)
    t.match(await call('POST', '/v1/undo', { token }), { status: 204 })
    t.match(await call('POST', '/v1/undo', { token }), { status: 410, body: { code: 'undo.gone' } })
    t.match(await me(session.accessToken), ended)
    for (const address of [email, next]) t.match(await logIn(address), wrongPassword)
    await call('POST', '/v1/password/forgot', { identifier: next })
    t.match(await reset(email, email, 3), { status: 204 })
    t.equal((await inbox(next)).length, 1, 'who undid it is the only one who gets a code')
    t.match(await logIn(email, another), { body: { user: { id: user.id, email } } })
  })

  await t.test('who has no proved e-mail is told by phone, and one undo gives back both', async (t) => {
    const person = await newPerson(call)
    const [thief, thiefsPhone] = [someMailbox(), randomPhone()]
    await proveEmail(person.session.accessToken, thief)
    const token = await undoToken(person.phone)
    t.match((await inbox(person.phone))[0]?.body, /^Latchkey: the e-mail of your account was changed\./)
    const moving = await call('POST', '/v1/me/phone', { phone: thiefsPhone }, person.session.accessToken)
    t.match(await answer(moving, { code: await codeFromInbox(call, thiefsPhone) }), { status: 200 })
    t.match(await call('POST', '/v1/undo', { token }), { status: 204 })
    for (const address of [thief, thiefsPhone]) t.match(await logIn(address), wrongPassword)
    t.match(await reset(person.phone, person.phone, 4), { status: 204 })
    t.match(await logIn(person.phone, another), {
      body: { user: { email: null, emailVerified: false, phone: person.phone } },
    })
  })

  await t.test('an address that somebody else proved changes nothing, after the right code only', async (t) => {
    const [owner, person] = [await newcomer(), await newPerson(call)]
    const { started, proved } = await proveEmail(person.session.accessToken, owner.email, 2)
    t.match(started, { status: 202 })
    t.match(proved, { status: 409, body: { code: 'account.exists' } })
    t.match(await me(owner.session.accessToken), { body: { user: { email: owner.email } } })
    t.equal((await inbox(person.phone)).length, 1, 'nobody is told of a change that is none')
    t.match(await call('POST', '/v1/me/email', { email: owner.email }, owner.session.accessToken), {
      status: 400,
      body: { errors: [{ path: '/email' }] },
    })
  })

  await t.test('an e-mail wants the password, or a sign-in of the last ten minutes', async (t) => {
    const { session } = await newcomer()
    const change = (body: object, token?: string) =>
      call('POST', '/v1/me/email', { email: someMailbox(), ...body }, token)
    await query(
      stack.databaseUrl,
      `update sessions set created_at = now() - interval '11 minutes' where id = '${session.id}'`,
    )
    t.match(await change({}, session.accessToken), { status: 403, body: { code: 'forbidden' } })
    t.match(await change({ password: 'not it' }, session.accessToken), wrongPassword)
    t.match(await change({ password }, session.accessToken), { status: 202 })
    t.match(await change({}), ended)
    for (const email of [
      'no address',
      'a@b',
      'a@exämple.com',
      '"a b"@example.com',
      'a@example.com\r\nBcc: b@example.com',
    ])
      t.match(
        await change({ email, password }, session.accessToken),
        { status: 400, body: { errors: [{ path: '/email' }] } },
        email,
      )
  })

  await t.test('what became of a code is told by the e-mail it was asked for, mailed or not', async (t) => {
    const { email, session } = await newcomer()
    await query(stack.databaseUrl, `update users set role = 'admin' where email = '${email}'`)
    const end = (about: string, wanted: string) =>
      eventually(`${wanted} of ${about}`, async () => {
        const { body } = await call('GET', `/v1/admin/messages?email=${about}`, undefined, session.accessToken)
        return body.stories[0]?.end === wanted && body.stories[0]
      })
    t.match(await end(email.toUpperCase(), 'verified'), {
      phone: null,
      email: `${email[0]}•••@•••`,
      purpose: 'sign_up',
    })
    const stranger = someMailbox()
    await call('POST', '/v1/password/forgot', { identifier: stranger })
    t.match(await end(stranger, 'decoy'), { phone: null })
    t.match(await call('GET', '/v1/admin/messages?email=nobody', undefined, session.accessToken), { status: 400 })
  })

  await t.test('a change of e-mail that is older than a reset of the password dies with it', async (t) => {
    const { email, session } = await newcomer()
    const next = someMailbox()
    const started = await call('POST', '/v1/me/email', { email: next }, session.accessToken)
    const code = await codeFromInbox(call, next)
    t.match(await reset(email, email, 2), { status: 204 })
    t.match(await answer(started, { code }), gone)
    t.match(await logIn(email, another), { body: { user: { email } } })
  })
})
