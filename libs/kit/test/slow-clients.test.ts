import { type AddressInfo, connect } from 'node:net'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createHttp } from '../src/http.js'

async function serve(t: Test) {
  const app = createHttp({
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    requestId: () => 'r-1',
    answerWithinMs: 10_000,
    patience: { headersMs: 300, requestMs: 600 },
  })
  app.post('/', async ({ body }) => ({ body }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return (app.server.address() as AddressInfo).port
}

/** Sends a beginning, then a byte now and then, until the other side has had enough: what it said, and after how long. */
function dripping(port: number, beginning: string, drop: string): Promise<{ said: string; ms: number }> {
  return new Promise((resolve) => {
    const since = performance.now()
    const socket = connect(port, '127.0.0.1', () => socket.write(beginning))
    const tap = setInterval(() => socket.writable && socket.write(drop), 50)
    let said = ''
    socket.on('data', (bytes: Buffer) => (said += bytes.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(tap)
      resolve({ said, ms: performance.now() - since })
    })
  })
}

const withinMs = 5_000

t.test('who sends headers drop by drop is cut off, however regularly a drop comes', async (t) => {
  const { said, ms } = await dripping(await serve(t), 'POST / HTTP/1.1\r\nhost: a\r\nx-slow: ', 'x')
  t.match(said, /^HTTP\/1\.1 408 [^]*application\/problem\+json[^]*too slowly/)
  t.ok(ms < withinMs, `after ${Math.round(ms)} ms`)
})

t.test('who sends a body drop by drop is cut off', async (t) => {
  const beginning =
    'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n{"a":"'
  const { said, ms } = await dripping(await serve(t), beginning, 'x')
  t.match(said, /^HTTP\/1\.1 408 /)
  t.ok(ms < withinMs, `after ${Math.round(ms)} ms`)
})

t.test('headers beyond the limit are refused, and a body beyond it before it is read', async (t) => {
  const port = await serve(t)
  const big = await dripping(
    port,
    `POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`,
    '',
  )
  t.match(big.said, /^HTTP\/1\.1 400 [^]*headers of the request are too large/)
  const huge = await dripping(port, `POST / HTTP/1.1\r\nhost: a\r\nx-large: ${'x'.repeat(140_000)}`, '')
  t.match(huge.said, /^HTTP\/1\.1 431 /)
  const body = await dripping(
    port,
    'POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\n\r\n',
    '',
  )
  t.match(body.said, /^HTTP\/1\.1 413 /)
})
