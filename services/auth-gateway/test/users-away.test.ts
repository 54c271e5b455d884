import type { RequestListener } from 'node:http'
import { startProxy } from '@latchkey/kit/test-proxy'
import { eventually, freePort } from '@latchkey/kit/testing'
import t from 'tap'
import {
  badUsers,
  breaks,
  clientOf,
  good,
  json,
  many,
  nothing,
  outcome,
  patientMs,
  problem,
  someMs,
  timeoutMs,
} from './users-harness.js'

const garbage: Readonly<Record<string, RequestListener>> = {
  'no answer': nothing,
  'headers and no body': (_request, response) => response.writeHead(200).flushHeaders(),
  'a body that drips': (_request, response) => {
    const drip = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(drip))
  },
  'no JSON': (_request, response) => void response.writeHead(200).end('{"phone":'),
  'HTML with 200': (_request, response) => void response.writeHead(200).end('<html>welcome</html>'),
  'HTML with 502': (_request, response) => void response.writeHead(502).end('<html>bad gateway</html>'),
  'JSON of another shape': (_request, response) => json(response, 200, { phone: 7 }),
  null: (_request, response) => json(response, 200, null),
  'an empty body': (_request, response) => void response.writeHead(200).end(),
  'a body cut short': (_request, response) => {
    response.writeHead(200, { 'content-length': '400' })
    response.write('{"phone":null}')
    setTimeout(() => response.destroy(), 20)
  },
  'a wrong success': (_request, response) => json(response, 201, { phone: null }),
  'a redirect': (_request, response) => void response.writeHead(302, { location: '/' }).end(),
  'a status nobody knows': (_request, response) => json(response, 418, { phone: null }),
  'a refusal without a code': (_request, response) => json(response, 503, { error: 'Service Unavailable' }),
  'a connection that is reset': (request) => void request.socket.resetAndDestroy(),
  'no HTTP': (request) => void request.socket.end('220 mail.example.com ESMTP\r\n'),
}

for (const [what, behaves] of Object.entries(garbage))
  t.test(`users gives ${what}: unavailable in time, its effect unknown, and soon nobody waits for it`, async (t) => {
    const users = await badUsers(t, behaves)
    const client = clientOf(t, users.url)
    for (const told of await many(6, client.quick)) {
      t.match(told, { code: 'unavailable', effect: 'unknown' })
      t.ok(told.ms < timeoutMs + 300, `${told.ms.toFixed(0)} ms`)
    }
    const asked = users.asked
    const [after] = await many(1, client.quick)
    t.match(after, { code: 'unavailable', effect: 'none' })
    t.ok((after?.ms ?? Infinity) < timeoutMs / 2, 'told at once')
    t.equal(users.asked, asked, 'without asking')
    t.equal(await client.away('quick'), 1)

    users.behaves = good
    const from = performance.now()
    await eventually('recovery', async () => (await outcome(client.quick)).code === 'done')
    t.ok(performance.now() - from < 1_500, `well again ${(performance.now() - from).toFixed(0)} ms after users`)
    t.equal(await client.away('quick'), 0)
    t.same(client.said(), ['quick: users does not answer: calls are kept away from it', 'quick: users answers again'])
  })

t.test('a users that is not there: nothing was sent, so nothing happened; found again when it is back', async (t) => {
  const port = await freePort()
  const client = clientOf(t, `http://127.0.0.1:${port}`)
  for (const told of await many(20, client.quick)) t.match(told, { code: 'unavailable', effect: 'none' })
  await badUsers(t, good, port)
  await eventually('recovery', async () => (await outcome(client.quick)).code === 'done', 1_500)
})

t.test('whether a refusal left an effect is what users says; where it says nothing, nobody knows', async (t) => {
  const users = await badUsers(t, nothing)
  const client = clientOf(t, users.url, patientMs)
  for (const [more, effect] of [
    [{ effect: 'none' }, 'none'],
    [{ effect: 'unknown' }, 'unknown'],
    [{}, 'unknown'],
  ] as const) {
    users.behaves = (_request, response) => json(response, 503, problem('unavailable', 503, more))
    t.match(await outcome(client.quick), { code: 'unavailable', effect })
  }
})

t.test(
  'connections to a peer that vanished are left: a new users behind the same address is found at once',
  async (t) => {
    const users = await badUsers(t, (request, response) => void setTimeout(() => good(request, response), 30))
    const proxy = await startProxy({ host: '127.0.0.1', port: users.port })
    t.teardown(() => proxy.close())
    const client = clientOf(t, `http://127.0.0.1:${proxy.port}`, someMs)
    t.ok(
      (await many(30, client.quick)).every(({ code }) => code === 'done'),
      'thirty connections are open',
    )
    proxy.freeze()
    await breaks(client)
    proxy.vanish()
    const from = performance.now()
    await eventually('recovery', async () => (await outcome(client.quick)).code === 'done')
    t.ok(performance.now() - from < 2_500, `${(performance.now() - from).toFixed(0)} ms`)
    t.ok(
      (await many(30, client.quick)).every(({ code }) => code === 'done'),
      'on as many new ones',
    )
    t.equal(client.said().length, 2)
  },
)

t.test('an answer without end is left when it is longer than any answer of users', async (t) => {
  let written = 0
  const users = await badUsers(t, (_request, response) => {
    const more = () => {
      do written += 65_536
      while (response.write('x'.repeat(65_536)))
    }
    response.on('drain', more)
    more()
  })
  t.match(await outcome(clientOf(t, users.url, patientMs).quick), { code: 'unavailable', effect: 'unknown' })
  t.ok(written < 8 * 1024 * 1024, `${(written / 1024 / 1024).toFixed(1)} MiB were written`)
})
