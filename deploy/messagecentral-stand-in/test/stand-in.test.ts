import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createStandIn } from '../src/server.js'

const account = { customerId: 'C-1', password: 'secret', email: 'a@example.com' }
const somebody = () => `98${randomInt(10_000_000, 99_999_999)}`

async function start(t: Test) {
  const server = createStandIn(account).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}`
  const ask = async (method: string, path: string, query: Record<string, string>, headers = {}) =>
    (await fetch(`${url}${path}?${new URLSearchParams(query).toString()}`, { method, headers })).json() as Promise<any>
  const token = (password = 'secret') =>
    ask('GET', '/auth/v1/authentication/token', {
      customerId: 'C-1',
      key: Buffer.from(password).toString('base64'),
      scope: 'NEW',
      country: '91',
      email: 'a@example.com',
    })
  const send = (mobileNumber: string, authToken: string) =>
    ask(
      'POST',
      '/verification/v3/send',
      {
        countryCode: '91',
        customerId: 'C-1',
        mobileNumber,
        flowType: 'SMS',
        type: 'SMS',
        senderId: 'ACME',
        message: 'hello',
      },
      { authToken },
    )
  return { url, ask, token, send, ledger: (to: string) => ask('GET', '/ledger', { to }) }
}

t.test('a token is given for the right password, and refused with HTTP 200 for a wrong one', async (t) => {
  const { token, send, ledger, ask } = await start(t)
  const number = somebody()
  t.match(await token('wrong'), { status: 400 })
  const given = await token()
  t.match(given, { status: 200, token: String })
  t.match(await send(number, 'another'), {})
  t.strictSame(await ledger(`+91${number}`), [])
  t.match(await send(number, given.token), { responseCode: 200, data: { responseCode: '200' } })
  t.match(await ledger(`+91${number}`), [{ to: `+91${number}`, body: 'hello', from: 'ACME' }])
  t.strictSame(await ask('GET', '/tokens', {}), { issued: 1 })
})

t.test('a refusal that is ordered comes with HTTP 200 and its integer, and nothing is taken', async (t) => {
  const { url, token, send, ledger } = await start(t)
  const number = somebody()
  const order = { to: `+91${number}`, code: 506, times: 1 }
  await fetch(`${url}/faults`, { method: 'POST', body: JSON.stringify(order) })
  const { token: good } = await token()
  t.match(await send(number, good), { responseCode: 506 })
  t.strictSame(await ledger(`+91${number}`), [])
  t.match(await send(number, good), { responseCode: 200 })
})
