import { randomBytes, randomUUID } from 'node:crypto'
import { eventually, startProcess } from '@latchkey/kit/testing'
import t from 'tap'
import { root } from '../../src/places.js'
import { type Answer, journey, newPerson, password } from './journey.js'

/** How every call of operators is made. A route that is missing here fails the test below. */
const calls: Readonly<Record<string, { path?: string; body?: object; gets?: number }>> = {
  'GET /v1/admin/audit': {},
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

t.test('what operators may do', async (t) => {
  const secret = randomBytes(32).toString('base64url')
  const { stack, call } = await journey(t, { INTERNAL_SECRET: secret })
  const operate = async (command: string, ...words: string[]) => {
    const { ended, output } = startProcess(
      `${root}/deploy/local/dist/src/operator/${command}.js`,
      { INTERNAL_SECRET: secret, USERS_URL: stack.usersUrl },
      words,
    )
    return { code: await ended, output: output() }
  }
  const document = (await call('GET', '/openapi.json')).body as { paths: Record<string, Record<string, unknown>> }
  const routes = Object.entries(document.paths)
    .filter(([path]) => path.startsWith('/v1/admin/'))
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
  t.same(routes.sort(), Object.keys(calls).sort(), 'every call of operators is tried here')
  const everyCall = (token?: string): Promise<Answer[]> =>
    Promise.all(
      Object.entries(calls).map(([name, { path, body }]) => {
        const [method, pattern = ''] = name.split(' ')
        return call(method as 'GET', path ?? pattern, body, token)
      }),
    )

  const statuses = async (token: string) => (await everyCall(token)).map(({ status }) => status)
  const admitted = Object.values(calls).map(({ gets = 200 }) => gets)

  t.test('only an admin gets in, with the sessions he has, from the promotion to the revocation', async (t) => {
    const { phone, user, session } = await newPerson(call)
    for (const answer of await everyCall()) t.match(answer, { status: 401, body: { code: 'token.invalid' } })
    for (const answer of await everyCall(session.accessToken))
      t.match(answer, { status: 403, body: { code: 'forbidden' } })
    t.match(await operate('admin', 'create', phone, '--why', 'on call'), { code: 0, output: /is an admin now/ })
    t.same(await statuses(session.accessToken), admitted)
    const { body } = await call('GET', '/v1/admin/audit?limit=1', undefined, session.accessToken)
    t.match(body.entries, [{ action: 'admin.create', target: user.id, why: 'on call', actor: /^cli:./ }])
    t.match(await operate('admin', 'list', '--json'), { code: 0, output: new RegExp(user.id) })
    t.match(await operate('admin', 'revoke', user.id), { code: 0, output: /is no admin any more/ })
    for (const answer of await everyCall(session.accessToken)) t.equal(answer.status, 403)
  })

  t.test('a token of a documented API opens nothing here, whoever has it', async (t) => {
    const { phone, session } = await newPerson(call)
    await operate('admin', 'create', phone)
    const { body } = await call('POST', '/staged/api/auth/login', { phoneNumber: phone, password })
    for (const answer of await everyCall(body.token)) t.match(answer, { status: 401, body: { code: 'token.invalid' } })
    t.same(await statuses(session.accessToken), admitted)
  })

  t.test('what is switched by an admin or a command is seen by both, and ends for both', async (t) => {
    const { phone, user, session } = await newPerson(call)
    await operate('admin', 'create', phone)
    const ask = (method: 'GET' | 'POST' | 'DELETE', path = '', body?: object) =>
      call(method, `/v1/admin/switches${path}`, body, session.accessToken)
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const order = { does: 'stop', target: 'purpose', name: 'reset_password', until, why: 'the page loops' }
    const set = await ask('POST', '', order)
    t.match(set, { status: 201, body: { switch: { ...order, who: `admin:${user.id}` }, lastDay: { messages: 0 } } })
    t.match(await operate('switch', 'list'), { code: 0, output: /stop purpose reset_password .*the page loops/ })
    const stopped = { status: 503, body: { code: 'unavailable', retryAt: until } }
    await eventually(
      'it to hold',
      async () => (await call('POST', '/v1/password/forgot', { identifier: phone })).status === 503,
      2_000,
    )
    for (const identifier of [phone, 'nobody', 'nobody@example.com'])
      t.match(await call('POST', '/v1/password/forgot', { identifier }), stopped)
    t.match(await operate('switch', 'resume', 'reset_password', '--why', 'mended'), {
      code: 0,
      output: /^ended: stop purpose/,
    })
    await eventually(
      'its end',
      async () => (await call('POST', '/v1/password/forgot', { identifier: 'nobody' })).status === 202,
      2_000,
    )

    const paused = await operate('switch', 'pause', 'inbox', '--for', '2h', '--why', 'it hangs', '--json')
    t.equal(paused.code, 0)
    const { switch: pause } = JSON.parse(paused.output)
    t.match((await ask('GET')).body.switches, [{ does: 'pause', target: 'lane', name: 'inbox', who: /^cli:/ }])
    t.match(await ask('DELETE', `/${pause.id}`), { status: 200, body: { switch: { id: pause.id } } })
    t.strictSame((await ask('GET')).body.switches, [])
    t.match(await operate('switch', 'stop', 'PK', '--preview'), {
      code: 0,
      output: /^0 messages of the last 24 hours to PK.*\nnothing was switched\n$/,
    })
    t.match(await operate('switch', 'stop', 'UK', '--for', '1h', '--why', 'pumped'), {
      code: 1,
      output: /\/order\/name|\/name/,
    })
    t.match(await operate('switch', 'pause', 'inbox', '--for', '1h'), { code: 78, output: /usage: npm run switch/ })
    const { body } = await call('GET', '/v1/admin/audit?limit=4', undefined, session.accessToken)
    t.match(
      body.entries.map(({ action }: { action: string }) => action),
      ['switch.end', 'switch.pause', 'switch.end', 'switch.stop'],
    )
  })

  t.test('a command says what to do where it cannot do what it is asked', async (t) => {
    const { code, output } = await operate('admin', 'create', '+919800000000')
    t.match({ code, output }, { code: 1, output: /no account has proved this phone: sign up with it first/ })
    t.match(await operate('admin', 'promote'), { code: 78, output: /usage: npm run admin/ })
  })
})
