import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { eventually, startProcess } from '@latchkey/kit/testing'
import t from 'tap'
import { root } from '../../src/places.js'
import {
  type Answer,
  caller,
  centralStandIn,
  journey,
  password,
  randomPhone,
  twilioStandIn,
} from '../journey/journey.js'

/** How every call of operators is made. A route that is missing here fails the test below. */
const calls: Readonly<Record<string, { path?: string; body?: object; gets?: number }>> = {
  'GET /v1/admin/audit': {},
  'GET /v1/admin/conversion': {},
  'GET /v1/admin/messages': { path: '/v1/admin/messages?phone=%2B919800000000' },
  'GET /v1/admin/switches': {},
  'POST /v1/admin/switches': {
    body: {
      does: 'stop',
      target: 'country',
      name: 'PK',
      until: new Date(Date.now() + 3_600_000).toISOString(),
      why: 'a test',
      preview: true,
    },
  },
  'DELETE /v1/admin/switches/{id}': { path: `/v1/admin/switches/${randomUUID()}`, gets: 404 },
}

const digits = (count: number) => String(randomInt(10 ** count)).padStart(count, '0')

t.test('what operators may do', async (t) => {
  const secret = randomBytes(32).toString('base64url')
  const [twilio, central] = [await twilioStandIn(t), await centralStandIn(t)]
  const { stack, call } = await journey(t, {
    ...central.env,
    ...twilio.env,
    SMS_PROVIDERS: 'twilio,messagecentral',
    SMS_ROUTES: 'US: messagecentral; *: twilio',
    SMS_COUNTRIES: 'IN,GB,US',
    SMS_PRICES: 'twilio GB 0.04 USD; messagecentral US 0.0021 USD; messagecentral * 1 EUR',
    INTERNAL_SECRET: secret,
  })
  const atCentral = caller(t, central.url)
  const codeOf = (phone: string) =>
    phone.startsWith('+1')
      ? eventually('a message of MessageCentral', async () => {
          const { body } = await atCentral('GET', `/ledger?to=${encodeURIComponent(phone)}`)
          return /\d{6}/.exec(body.at(-1)?.body ?? '')?.[0]
        })
      : twilio.code(phone)
  const signUp = async (phone: string): Promise<string> =>
    (await call('POST', '/v1/signup', { phone, password })).body.challenge.id
  const prove = async (phone: string, id: string) =>
    call('POST', `/v1/challenges/${id}/answer`, { code: await codeOf(phone) })
  const newPerson = async (phone = randomPhone()) => {
    const { body } = await prove(phone, await signUp(phone))
    return { phone, user: body.user, session: body.session }
  }
  const operate = async (command: string, ...words: string[]) => {
    const { ended, output } = startProcess(
      `${root}/deploy/local/dist/src/operator/${command}.js`,
      { INTERNAL_SECRET: secret, USERS_URL: stack.usersUrl },
      words,
    )
    return { code: await ended, output: output() }
  }
  const newAdmin = async () => {
    const person = await newPerson()
    await operate('admin', 'create', person.phone)
    return person.session.accessToken as string
  }
  const everyCall = (token?: string): Promise<Answer[]> =>
    Promise.all(
      Object.entries(calls).map(([name, { path, body }]) => {
        const [method, pattern = ''] = name.split(' ')
        return call(method as 'GET', path ?? pattern, body, token)
      }),
    )

  const statuses = async (token: string) => (await everyCall(token)).map(({ status }) => status)
  const admitted = Object.values(calls).map(({ gets = 200 }) => gets)

  t.test('every call of operators is tried here', async (t) => {
    const { body } = await call('GET', '/openapi.json')
    const routes = Object.entries(body.paths as Record<string, object>)
      .filter(([path]) => path.startsWith('/v1/admin/'))
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
    t.same(routes.sort(), Object.keys(calls).sort())
  })

  t.test('only an admin gets in, with the sessions he has, from the promotion to the revocation', async (t) => {
    const { phone, user, session } = await newPerson()
    for (const answer of await everyCall()) t.match(answer, { status: 401, body: { code: 'token.invalid' } })
    for (const answer of await everyCall(session.accessToken))
      t.match(answer, { status: 403, body: { code: 'forbidden' } })
    t.match(await operate('admin', 'create', phone, '--why', 'on call'), { code: 0, output: /is an admin now/ })
    t.same(await statuses(session.accessToken), admitted)
    const { body } = await call('GET', '/v1/admin/audit?limit=9', undefined, session.accessToken)
    t.match(
      body.entries.find(({ target }: { target: string }) => target === user.id),
      { action: 'admin.create', why: 'on call', actor: /^cli:./ },
    )
    t.ok(
      body.entries.some(({ actor }: { actor: string }) => actor === `admin:${user.id}`),
      'what he looked at',
    )
    t.match(await operate('admin', 'list', '--json'), { code: 0, output: new RegExp(user.id) })
    t.match(await operate('admin', 'revoke', user.id), { code: 0, output: /is no admin any more/ })
    for (const answer of await everyCall(session.accessToken)) t.equal(answer.status, 403)
  })

  t.test('a token of a documented API opens nothing here, whoever has it', async (t) => {
    const { phone, session } = await newPerson()
    await operate('admin', 'create', phone)
    const { body } = await call('POST', '/staged/api/auth/login', { phoneNumber: phone, password })
    for (const answer of await everyCall(body.token)) t.match(answer, { status: 401, body: { code: 'token.invalid' } })
    t.same(await statuses(session.accessToken), admitted)
  })

  t.test('a command says what to do where it cannot do what it is asked', async (t) => {
    t.match(await operate('admin', 'create', '+919800000000'), { code: 1, output: /no account has proved this phone/ })
    t.match(await operate('admin', 'promote'), { code: 78, output: /usage: npm run admin/ })
    t.match(await operate('trace', 'nobody'), { code: 78, output: /usage: npm run trace/ })
  })

  t.test('what is kept about a person is given out and erased by command', async (t) => {
    const phone = randomPhone()
    const id = await signUp(phone)
    const { body } = await prove(phone, id)
    t.match(await operate('person', 'export', phone), { code: 0, output: new RegExp(`"id": "${body.user.id}"`) })
    t.match(await operate('person', 'erase', phone), { code: 78, output: /wants --yes/ })
    t.match(await operate('person', 'erase', phone, '--yes', '--why', 'asked'), { code: 0, output: /accounts 1/ })
    t.match(await call('GET', '/v1/me', undefined, body.session.accessToken), { status: 401 })
  })

  t.test('why a number got its code, or none, is told on one page, by call and by command', async (t) => {
    const token = await newAdmin()
    const ask = async (query: string) =>
      (await call('GET', `/v1/admin/messages?${query}`, undefined, token)).body.stories
    const ends = (phone: string, end: string) =>
      eventually(`${end} of ${phone}`, async () => {
        const [story] = await ask(`phone=${encodeURIComponent(phone)}`)
        return story?.end === end && story
      })
    const phone = randomPhone()
    await twilio.order({ to: phone, fault: 'refuse', code: 20429, times: 1 })
    await twilio.report({ to: phone, how: 'usual', ending: 'delivered' })
    const id = await signUp(phone)
    await codeOf(phone)
    t.match(await call('POST', `/v1/challenges/${id}/answer`, { code: '000000' }), { status: 400 })
    t.match(await prove(phone, id), { status: 201 })
    await ends(phone, 'verified')
    // The gateway and the carrier tell theirs later than users knows that it was verified.
    const story = await eventually('the receipt and the answers', async () => {
      const [told] = await ask(`challenge=${id}`)
      const all = JSON.stringify(told.lines)
      return all.includes('delivered') && all.includes('the right answer') && told
    })
    const said = story.lines.map(({ says }: { says: string }) => says).join('\n')
    for (const part of [
      /^POST \/v1\/signup asked for a code, sign_up at v1 \(request /,
      /is in the queue/,
      /twilio, try 1: did not take it \(20429: we ask more often than it allows\)/,
      /twilio, try 2: took it/,
      /twilio reports: delivered, 1 segment, 0.0075 USD/,
      /a wrong answer .*4 left/,
      /the right answer/,
      /verified: the code had its effect/,
    ])
      t.match(said, part)
    t.same(await ask(`message=${story.messageIds[0]}`), [story])
    t.match(await operate('trace', phone), { code: 0, output: /answered rightly.*\n +0 ms {2}POST \/v1\/signup asked/ })
    t.notMatch(JSON.stringify(story), phone)

    t.match(await call('POST', '/v1/login/code', { phone: randomPhone() }), { status: 202 })
    const stranger = randomPhone()
    await call('POST', '/v1/login/code', { phone: stranger })
    t.match(await ends(stranger, 'decoy'), { answer: /no account can be reached by it/ })
    await call('POST', '/v1/login/code', { phone: stranger })
    t.match(await ends(stranger, 'refused'), { answer: /too soon after the last message.*again at 20/ })
    const french = `+33612${digits(6)}`
    t.equal((await call('POST', '/v1/signup', { phone: french })).status, 400)
    t.match(await ends(french, 'refused'), { answer: /its country is not served/ })
    const gone = randomPhone()
    await twilio.order({ to: gone, fault: 'refuse', code: 21610 })
    await signUp(gone)
    t.match(await ends(gone, 'rejected'), { answer: /the number has texted STOP to our sender/ })
    t.match(await call('GET', '/v1/admin/messages', undefined, token), { status: 400 })
  })

  t.test('what messages led to and cost is told by carrier, country and day, to the cent', async (t) => {
    const token = await newAdmin()
    const [british, american] = [() => `+447400${digits(6)}`, () => `+141523${digits(5)}`]
    const here = Array.from({ length: 3 }, british)
    const there = Array.from({ length: 3 }, american)
    await Promise.all(
      here.map((phone, at) =>
        twilio.report({ to: phone, how: 'usual', ending: at === 2 ? 'undelivered' : 'delivered', code: 30003 }),
      ),
    )
    await Promise.all(
      [...here, ...there].map(async (phone, at) => {
        const id = await signUp(phone)
        await codeOf(phone)
        if (at !== 1 && at !== 2 && at !== 5) t.equal((await prove(phone, id)).status, 201)
      }),
    )
    const rows = await eventually('all of it to be counted', async () => {
      const { body } = await call('GET', '/v1/admin/conversion', undefined, token)
      const found = body.rows.filter(({ country }: { country: string }) => country !== 'IN')
      const [atCentral, atTwilio] = found
      return atTwilio?.delivered === 2 && atTwilio.undelivered === 1 && atCentral?.sent === 3 && found
    })
    t.match(rows, [
      {
        provider: 'messagecentral',
        country: 'US',
        sent: 3,
        delivered: 0,
        verified: 2,
        cost: { USD: '0.006300' },
        costPerVerified: { USD: '0.003150' },
      },
      // Two receipts with a price, and one message that was lost, by the table.
      {
        provider: 'twilio',
        country: 'GB',
        sent: 3,
        verified: 1,
        cost: { USD: '0.055000' },
        costPerVerified: { USD: '0.055000' },
        unpriced: 0,
      },
    ])
    for (const { medianSeconds } of rows) t.ok(medianSeconds >= 0 && medianSeconds < 30, `${medianSeconds} s`)
    const metrics = await (await fetch(`${stack.opsUrls.users}/metrics`)).text()
    t.match(metrics, /latchkey_today_sms_cost\{.*provider="twilio",country="GB".*\} 0.055\b/)
    t.match(await call('GET', '/v1/admin/conversion?from=2026-01-01&to=2026-03-01', undefined, token), { status: 400 })
  })
})
