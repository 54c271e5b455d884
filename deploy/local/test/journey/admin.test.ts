import { randomBytes } from 'node:crypto'
import { startProcess } from '@latchkey/kit/testing'
import t from 'tap'
import { root } from '../../src/places.js'
import { type Answer, journey, newPerson, password } from './journey.js'

/** How every call of operators is made. A route that is missing here fails the test below. */
const calls: Readonly<Record<string, { path?: string; body?: object }>> = {
  'GET /v1/admin/audit': {},
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

  t.test('only an admin gets in, with the sessions he has, from the promotion to the revocation', async (t) => {
    const { phone, user, session } = await newPerson(call)
    for (const answer of await everyCall()) t.match(answer, { status: 401, body: { code: 'token.invalid' } })
    for (const answer of await everyCall(session.accessToken))
      t.match(answer, { status: 403, body: { code: 'forbidden' } })
    t.match(await operate('admin', 'create', phone, '--why', 'on call'), { code: 0, output: /is an admin now/ })
    for (const answer of await everyCall(session.accessToken)) t.equal(answer.status, 200, JSON.stringify(answer.body))
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
    for (const answer of await everyCall(session.accessToken)) t.equal(answer.status, 200)
  })

  t.test('a command says what to do where it cannot do what it is asked', async (t) => {
    const { code, output } = await operate('admin', 'create', '+919800000000')
    t.match({ code, output }, { code: 1, output: /no account has proved this phone: sign up with it first/ })
    t.match(await operate('admin', 'promote'), { code: 78, output: /usage: npm run admin/ })
  })
})
