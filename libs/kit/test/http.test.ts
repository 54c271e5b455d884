import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { createHttp } from '../src/http.js'
import { eventually } from '../src/testing.js'
import { problemVoice, toProblem } from '../src/voice.js'

const newApp = (answerWithinMs?: number) =>
  createHttp({
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    requestId: () => 'r-1',
    ...(answerWithinMs !== undefined && { answerWithinMs }),
  })

t.test('a kept-alive connection with a request in flight does not hold the close up', async (t) => {
  const app = newApp()
  let begun = () => {}
  let finish = () => {}
  const inFlight = new Promise<void>((resolve) => (begun = resolve))
  const held = new Promise<void>((resolve) => (finish = resolve))
  app.get('/slow', async () => {
    begun()
    await held
    return { done: true }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const answer = new Promise<number | undefined>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/slow', agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode))
    })
      .on('error', reject)
      .end()
  })
  await inFlight
  const closed = app.close().then(() => 'closed')
  await eventually('the door to be shut', async () => !app.server.listening)
  finish()
  t.equal(await answer, 200)
  t.equal(await Promise.race([closed, sleep(2_000, 'still open', { ref: false })]), 'closed')
})

t.test('a handler that takes too long is answered for with unavailable', async (t) => {
  const app = newApp(50)
  t.teardown(() => app.close())
  app.get('/slow', () => new Promise(() => {}))
  const reply = await app.inject('/slow')
  t.match([reply.statusCode, reply.json(), reply.headers], [503, { code: 'unavailable' }, { 'retry-after': '1' }])
})

t.test(
  'of a handler that is still at work, or broke, nobody knows the effect; strangers are not told of it',
  async (t) => {
    const [tell, plain] = [newApp(50), newApp(50)]
    tell.speak(
      '',
      problemVoice((error) => ({ ...toProblem(error), effect: error.effect })),
    )
    for (const app of [tell, plain]) {
      t.teardown(() => app.close())
      app.get('/slow', () => new Promise(() => {}))
      app.get('/broken', () => Promise.reject(new Error('broken')))
    }
    for (const path of ['/slow', '/broken']) {
      t.match((await tell.inject(path)).json(), { effect: 'unknown' })
      t.notOk('effect' in (await plain.inject(path)).json())
    }
    t.match((await tell.inject('/nowhere')).json(), { effect: 'none' })
  },
)

t.test(
  'a query that is half an escape is refused where somebody reads it, and nobody’s matter elsewhere',
  async (t) => {
    const app = newApp()
    t.teardown(() => app.close())
    const schema = { querystring: { type: 'object', properties: { to: { type: 'string' } } } }
    app.get('/read', { schema }, async ({ query }) => query)
    app.get('/unread', async () => ({ fine: true }))
    t.match((await app.inject('/read?to=a%20b%C3%BC')).json(), { to: 'a bü' })
    for (const query of ['to=%ff', 'to=%zz', 'to=a%', 'to=%c3', 'other=%ed%a0%80'])
      t.match((await app.inject(`/read?${query}`)).json(), { status: 400, errors: [{ path: '/querystring/' }] }, query)
    t.equal((await app.inject('/unread?to=%ff')).statusCode, 200)
  },
)

t.test('a request that names no host is refused in the shape of every refusal', async (t) => {
  const app = newApp()
  app.get('/', async () => ({ fine: true }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const answerTo = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (chunk) => (answer += chunk.toString()))
      socket.on('error', reject).on('close', () => resolve(answer))
    })
  t.match(
    await answerTo('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1\.1 400 [^]*application\/problem\+json[^]*names no host/,
  )
  t.match(await answerTo('GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /, 'before HTTP/1.1 none was asked for')
})
