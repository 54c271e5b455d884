import { request } from 'undici'
import t from 'tap'
import { codeFromInbox, journey, newPerson, randomPhone } from '../journey/journey.js'

t.test(
  'with users away every call that needs it is 503 within two seconds, and the code still works afterwards',
  async (t) => {
    const { stack, call } = await journey(t)
    const { session } = await newPerson(call)
    const phone = randomPhone()
    const { body } = await call('POST', '/v1/signup', { phone })
    const answer = `/v1/challenges/${body.challenge.id}/answer`
    const code = await codeFromInbox(call, phone)
    await stack.processes.users.stop('SIGTERM', 5_000)

    for (const ask of [
      () => call('POST', answer, { code }),
      () => call('GET', '/v1/me', undefined, session.accessToken),
      () => call('POST', '/v1/signup', { phone: randomPhone() }),
    ]) {
      const began = Date.now()
      t.match(await ask(), { status: 503, headers: { 'retry-after': '1' }, body: { code: 'unavailable' } })
      t.ok(Date.now() - began < 2_000)
    }
    t.equal((await request(`${stack.opsUrls['auth-gateway']}/ready`)).statusCode, 503, 'health does not lie')
    t.equal((await request(`${stack.opsUrls['auth-gateway']}/live`)).statusCode, 200)

    await stack.restart('users')
    t.match(await call('POST', answer, { code }), { status: 201 })
    t.match(await call('GET', '/v1/me', undefined, session.accessToken), { status: 200 })
  },
)

t.test('a secret that only one of the two knows logs nobody out', async (t) => {
  const { stack, call } = await journey(t)
  const { session } = await newPerson(call)
  await stack.processes.users.stop('SIGTERM', 5_000)
  await stack.restart('users', { INTERNAL_SECRET: 'another-secret-of-at-least-32-characters' })
  t.match(await call('GET', '/v1/me', undefined, session.accessToken), { status: 503 })
  t.match(await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken }), { status: 503 })
})
