import { errors, type ErrorCode } from '@latchkey/contracts/errors'
import { AppError } from '@latchkey/kit/app-error'
import { createHttp } from '@latchkey/kit/http'
import { problems } from '@latchkey/kit/voice'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { facePolicy } from '../src/flows/policy.js'
import { dialects } from '../src/http/dialects.js'
import { securityHeaders } from '../src/http/plugins/security-headers.js'

const origin = 'https://app.example.com'

async function gateway(t: Test, origins: readonly string[] = [origin]) {
  const app = createHttp({ log: pino({ level: 'silent' }), metrics: new Registry(), requestId: () => 'r-1' })
  await app.register(securityHeaders, { origins })
  t.teardown(() => app.close())
  return app
}

t.test('every answer, a refusal too, forbids to frame, sniff, cache and run it', async (t) => {
  const app = await gateway(t)
  app.get('/here', async () => ({ here: true }))
  for (const url of ['/here', '/nowhere']) {
    const { headers } = await app.inject({ url })
    t.match(headers, {
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': /DENY|SAMEORIGIN/,
      'referrer-policy': 'no-referrer',
      'strict-transport-security': /max-age=31536000/,
      'cross-origin-resource-policy': 'same-origin',
    })
    for (const name of ['server', 'x-powered-by', 'access-control-allow-origin']) t.notOk(headers[name], name)
  }
})

t.test('browsers of listed origins may call, preflight included, and never with cookies', async (t) => {
  const app = await gateway(t)
  app.patch('/here', async () => ({}))
  const asked = { origin, 'access-control-request-method': 'PATCH', 'access-control-request-headers': 'authorization' }
  const preflight = await app.inject({ method: 'OPTIONS', url: '/here', headers: asked })
  t.equal(preflight.statusCode, 204)
  t.match(preflight.headers, {
    'access-control-allow-origin': origin,
    'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '600',
    vary: /Origin/,
  })
  t.notOk(preflight.headers['access-control-allow-credentials'])
  for (const url of ['/here', '/nowhere'])
    t.match((await app.inject({ method: 'PATCH', url, headers: { origin } })).headers, {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'retry-after, x-request-id',
      vary: /Origin/,
    })
})

t.test('every other origin is told nothing, however close it comes', async (t) => {
  const app = await gateway(t)
  const silent = await gateway(t, [])
  for (const other of [
    'null',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.com',
    'https://evilapp.example.com',
    'https://example.com',
    'HTTPS://APP.EXAMPLE.COM',
    'https://app.example.com/',
    '*',
    '',
  ])
    for (const method of ['OPTIONS', 'POST'] as const) {
      const headers = { origin: other, 'access-control-request-method': 'POST' }
      const answer = await app.inject({ method, url: '/', headers })
      t.not(answer.headers['access-control-allow-origin'], other, other)
      t.not(answer.headers['access-control-allow-origin'], '*')
      t.notOk(answer.headers['access-control-allow-credentials'])
    }
  t.notOk((await silent.inject({ url: '/', headers: { origin } })).headers['access-control-allow-origin'])
})

t.test('whatever a face refuses with 429 or 503 says when to come again', async (t) => {
  const app = await gateway(t)
  const voices = Object.entries(dialects).map(([name, { createVoice, policy }]) => ({
    name,
    voice: createVoice(facePolicy(policy, 6)),
  }))
  for (const { name, voice } of [...voices, { name: 'v1', voice: problems }]) app.speak(`/${name}`, voice)
  app.get('/:face/:code', async ({ params }) => {
    throw new AppError((params as { code: ErrorCode }).code)
  })
  let due = 0
  for (const name of [...Object.keys(dialects), 'v1'])
    for (const code of Object.keys(errors)) {
      const { statusCode, headers } = await app.inject({ url: `/${name}/${code}` })
      if (statusCode !== 429 && statusCode !== 503) continue
      due += 1
      t.match(headers['retry-after'], /^[1-9]\d*$/, `${name} ${code}`)
    }
  t.ok(due >= 12, 'each of six faces has both')
})
