import t from 'tap'
import { harness, internalSecret } from './harness.js'

const url = '/internal/people/find-phone'
const payload = { identifier: { kind: 'username', value: 'nobody' } }

t.test('only who has the internal secret is served, and learns nothing else', async (t) => {
  const { app, queries } = await harness(t)
  const before = queries()
  for (const authorization of [
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${internalSecret}x`,
    internalSecret,
    `bearer ${internalSecret}`,
    `Bearer ${internalSecret.slice(1)}`,
  ]) {
    const reply = await app.inject({ method: 'POST', url, payload, headers: { authorization } })
    t.match([reply.statusCode, reply.json()], [403, { code: 'forbidden' }], authorization.slice(0, 8))
  }
  t.equal((await app.inject({ method: 'POST', url, payload })).statusCode, 403)
  t.equal((await app.inject({ url: '/internal/nowhere' })).statusCode, 403, 'nor what exists')
  t.equal(queries(), before)
  const authorization = `Bearer ${internalSecret}`
  t.equal((await app.inject({ method: 'POST', url, payload, headers: { authorization } })).statusCode, 200)
  t.equal((await app.inject({ url: '/internal/nowhere', headers: { authorization } })).statusCode, 404)
})

t.test('the request id of the gateway is kept; anything else that calls itself one is replaced', async (t) => {
  const { app } = await harness(t)
  const idOf = async (id: string) => {
    const headers = { authorization: `Bearer ${internalSecret}`, 'x-request-id': id }
    return (await app.inject({ method: 'POST', url, payload, headers })).headers['x-request-id']
  }
  t.equal(await idOf('3f0c-A9'), '3f0c-A9')
  for (const bad of ['', 'a'.repeat(65), 'a b', '{"x":1}', '../x']) t.match(await idOf(bad), /^[0-9a-f-]{36}$/)
})

t.test('what the contract does not name is refused', async (t) => {
  const { call } = await harness(t)
  t.match(await call('POST', '/people/find-phone', { ...payload, extra: 1 }), {
    status: 400,
    body: { code: 'request.invalid', errors: [{ path: '/extra' }] },
  })
  t.match(await call('POST', '/people/find-phone', { identifier: { kind: 'iban', value: '1' } }), { status: 400 })
})
