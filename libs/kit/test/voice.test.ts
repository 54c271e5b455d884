import { errors } from '@latchkey/contracts/errors'
import { endpoint } from '@latchkey/contracts/endpoint'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { Type } from 'typebox'
import t from 'tap'
import { AppError } from '../src/app-error.js'
import { createHttp } from '../src/http.js'
import { IgnoredBody, mount } from '../src/mount.js'
import type { Voice, Wording } from '../src/voice.js'

/** Statuses of its own, and a body no other part would write. */
const acme: Voice = {
  contentType: 'application/json; charset=utf-8',
  wordings: Object.fromEntries(
    Object.entries(errors).map(([code, { status }]): [string, Wording] => [
      code,
      {
        status: code === 'request.invalid' ? 422 : status,
        schema: Type.Object({ acme: Type.String() }),
        body: (error) => ({ acme: error.code }),
      },
    ]),
  ) as unknown as Voice['wordings'],
}

const order = endpoint({
  method: 'POST',
  path: '/orders',
  summary: 'Order',
  body: Type.Object({ name: Type.String() }),
  replies: { 200: Type.Object({ name: Type.String() }) },
  fails: ['rate.limited'],
})
const empty = endpoint({
  method: 'POST',
  path: '/empty',
  summary: 'Take anything',
  body: IgnoredBody,
  replies: { 200: Type.Object({}) },
  fails: [],
})
const late = endpoint({
  method: 'GET',
  path: '/late',
  summary: 'Too late',
  replies: { 200: Type.Object({}) },
  fails: ['rate.limited'],
})

function newApp() {
  const app = createHttp({
    log: pino({ level: 'silent' }),
    metrics: new Registry(),
    requestId: () => 'r-1',
    answerWithinMs: 500,
  })
  app.speak('/acme', acme)
  for (const prefix of ['/acme', '/plain'])
    app.register(
      async (scope) => {
        mount(scope, order, async ({ body: { name } }) => ({ status: 200, body: { name } }))
        mount(scope, empty, async () => ({ status: 200, body: {} }))
        mount(
          scope,
          late,
          async () => {
            throw new AppError('rate.limited', { retryAt: new Date(Date.now() + 1_400) })
          },
          prefix === '/acme'
            ? {
                words: {
                  'rate.limited': { status: 400, schema: Type.Object({}), body: () => ({ acme: 'wait a moment' }) },
                },
              }
            : {},
        )
        scope.get('/never', () => new Promise(() => {}))
        scope.get('/broken', async () => {
          throw new Error('of ours')
        })
      },
      { prefix },
    )
  t.teardown(() => app.close())
  return app
}

t.test('whoever refuses, a part of the app is heard in its own voice, and the rest in problem documents', async (t) => {
  const app = newApp()
  const json = { 'content-type': 'application/json' }
  const large = JSON.stringify({ name: 'x'.repeat(17_000) })
  const cases = [
    ['validation', { method: 'POST', url: '/orders', headers: json, payload: '{}' }, 'request.invalid'],
    ['malformed JSON', { method: 'POST', url: '/orders', headers: json, payload: '{' }, 'request.invalid'],
    ['bad URL encoding', { method: 'GET', url: '/%ZZ' }, 'not.found'],
    ['an unknown path', { method: 'GET', url: '/nothing?/acme' }, 'not.found'],
    ['another method', { method: 'PUT', url: '/orders/' }, 'method.not_allowed'],
    ['too large', { method: 'POST', url: '/orders', headers: json, payload: large }, 'request.too_large'],
    [
      'another type',
      { method: 'POST', url: '/orders', headers: { 'content-type': 'text/xml' }, payload: '<x/>' },
      'request.media_type',
    ],
    ['the time is up', { method: 'GET', url: '/never' }, 'unavailable'],
    ['a fault of ours', { method: 'GET', url: '/broken' }, 'internal'],
  ] as const
  for (const [name, request, code] of cases) {
    const spoken = await app.inject({ ...request, url: `/acme${request.url}` })
    t.equal(spoken.statusCode, acme.wordings[code].status, name)
    t.same(spoken.json(), { acme: code }, name)
    t.match(spoken.headers['content-type'], /^application\/json/, name)
    const plain = await app.inject({ ...request, url: `/plain${request.url}` })
    t.match([plain.statusCode, plain.json()], [errors[code].status, { code }], name)
    t.equal(plain.headers['retry-after'], spoken.headers['retry-after'], name)
  }
  t.same((await app.inject({ method: 'POST', url: '/%61cme/orders', headers: json, payload: '{}' })).json(), {
    acme: 'request.invalid',
  })
  t.match((await app.inject('/acmex')).json(), { code: 'not.found' }, 'a prefix ends at a slash')
})

t.test('a route may word its own refusals, and waits in whole seconds', async (t) => {
  const app = newApp()
  const spoken = await app.inject('/acme/late')
  t.match([spoken.statusCode, spoken.json(), spoken.headers], [400, { acme: 'wait a moment' }, { 'retry-after': '2' }])
  t.equal((await app.inject('/plain/late')).statusCode, 429)
})

t.test('a trailing slash is tolerated, and so is any body where none is read', async (t) => {
  const app = newApp()
  const json = { 'content-type': 'application/json' }
  const ordered = await app.inject({ method: 'POST', url: '/acme/orders/', payload: { name: 'tea', colour: 'red' } })
  t.same(ordered.json(), { name: 'tea' })
  for (const request of [{}, { headers: json }, { payload: {} }, { payload: { force: true } }, { payload: [1] }])
    t.equal((await app.inject({ method: 'POST', url: '/acme/empty', ...request })).statusCode, 200)
  t.equal((await app.inject({ method: 'POST', url: '/acme/empty', headers: json, payload: '{' })).statusCode, 422)
})
