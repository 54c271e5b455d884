import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { createMetrics } from '@latchkey/kit/ops'
import { createLog } from '@latchkey/kit/log'
import { eventually, freePort, testStores } from '@latchkey/kit/testing'
import type { Redis } from 'ioredis'
import type { Test } from 'tap'
import t from 'tap'
import { buildApp } from '../src/app.js'
import { loadGatewayConfig } from '../src/config.js'
import { createDeps } from '../src/deps.js'
import { loadDialects } from '../src/dialects-config.js'
import { facePolicy } from '../src/flows/policy.js'
import type { Dialect } from '../src/http/dialects.js'
import { sixth } from './sixth/index.js'

/** The one line. */
const table: Readonly<Record<string, Dialect>> = { sixth }

const ring = () => `k1:${randomBytes(32).toString('base64')}`

/** The gateway as production builds it, with one more dialect; users is away. */
async function gateway(t: Test, env: Record<string, string> = {}) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const config = loadGatewayConfig({
    NODE_ENV: 'development',
    REDIS_URL: testStores().redisUrl,
    USERS_URL: `http://127.0.0.1:${await freePort()}`,
    GATEWAY_OPS_PORT: String(await freePort()),
    INTERNAL_SECRET: randomBytes(32).toString('base64'),
    SEAL_KEYS: ring(),
    CODE_KEYS: ring(),
    CHALLENGE_ID_KEY: ring(),
    INDEX_KEY: ring(),
    TRACE_KEY: ring(),
    ACCESS_TOKEN_KEYS: `k1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`,
    DIALECTS: 'none',
    TRUST_PROXY: '127.0.0.1',
    ...env,
  })
  const log = createLog('test', 'silent')
  const metrics = createMetrics('test')
  const ends: (() => unknown)[] = []
  const scope = {
    defer: (_name: string, end: () => unknown) => void ends.push(end),
    fail: () => undefined,
  }
  const deps = await createDeps(config, { scope: scope as never, log, metrics })
  const dialects = loadDialects({ NODE_ENV: 'development', ROOT_DIALECT: 'sixth' }, table).mounted.map(
    ({ name, policy, root }) => ({ ...sixth, name, policy: facePolicy(policy, 6), root }),
  )
  const app = await buildApp({ ...deps, dialects, log, metrics })
  // Without its Redis a gateway counts nobody, which is as it should be, and none of what is tested here.
  await eventually('its Redis', async () => (deps.limits.redis as Redis).status === 'ready')
  t.teardown(async () => {
    await app.close()
    for (const end of ends.reverse()) await end()
  })
  return app
}

t.test('a folder and a line make a dialect: its paths, its words, its document, its tokens', async (t) => {
  const app = await gateway(t)
  const enter = (prefix: string, body: object) =>
    app.inject({ method: 'POST', url: `${prefix}/api/enter`, payload: body })
  for (const prefix of ['/sixth', '']) {
    t.match((await enter(prefix, { who: 'asha', secret: 'x', more: true })).json(), { oops: 'unavailable' })
    t.match((await enter(prefix, {})).json(), { oops: 'request.invalid' })
    const lost = await app.inject(`${prefix}/api/nowhere`)
    t.match([lost.statusCode, lost.json()], [404, { oops: 'not.found' }])
  }
  t.match((await app.inject('/v1/nowhere')).json(), { code: 'not.found' })
  t.match((await app.inject({ method: 'POST', url: '/v1/login', payload: {} })).json(), { code: 'request.invalid' })

  const document = (await app.inject('/sixth/openapi.json')).json()
  t.same(Object.keys(document.paths), ['/api/enter', '/api/who'])
  t.match(document.paths['/api/enter'].post.responses['401'].content['application/json'].schema.properties, {
    oops: {},
  })
  t.notMatch((await app.inject('/openapi.json')).body, 'api/enter')
  t.match((await app.inject('/docs/static/swagger-initializer.js')).body, /"\/sixth\/openapi\.json"/)
  t.match((await app.inject('/sixth/docs')).body, '"/sixth/docs/static/')
  t.equal((await app.inject('/staged/openapi.json')).statusCode, 404, 'what is not mounted is not there')
})

t.test('the document of /v1 names the refusals of a second factor', async (t) => {
  const { paths } = (await (await gateway(t)).inject('/openapi.json')).json()
  t.match(paths['/v1/login'].post.responses['403'].description, '`account.second_factor`')
  t.match(paths['/v1/me/second-factor'].put.responses['403'].description, '`forbidden`')
})

t.test('a client is its network and its program; a token counts where it is good, and of this face', async (t) => {
  const app = await gateway(t)
  const who = async (from: string, agent: string, token?: string) =>
    (
      await app.inject({
        url: '/sixth/api/who',
        headers: {
          'x-forwarded-for': from,
          'user-agent': agent,
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      })
    ).json()
  const [here, neighbour, next, other, away] = [
    await who('2001:db8:1:2::1', 'one'),
    await who('2001:db8:1:2:ffff::9', 'one'),
    await who('2001:db8:1:2::1', 'two'),
    await who('2001:db8:1:3::1', 'one'),
    await who('192.0.2.1', 'one'),
  ]
  t.same(neighbour, here, 'a /64 is one network')
  t.equal(next.network, here.network)
  t.not(next.key, here.key)
  t.equal(new Set([here, other, away].map(({ network }) => network)).size, 3)
  t.notMatch(JSON.stringify(here), /2001|one/)

  const session = { id: randomUUID(), userId: randomUUID() }
  const issue = (face: string) =>
    app.issueAccessToken(session, face, { lifeSeconds: 90, claims: { sub: 'x', shoe: 43 } })
  const good = issue('sixth')
  t.equal(good.expiresIn, 90)
  const claims = JSON.parse(Buffer.from(good.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.match(claims, { sub: session.userId, aud: 'sixth', shoe: 43, iss: 'latchkey' }, 'ours cannot be overwritten')
  t.equal(claims.exp - claims.iat, 90)
  t.equal((await who('192.0.2.1', 'one', good.accessToken)).userId, session.userId)
  t.same(await who('192.0.2.1', 'one', issue('v1').accessToken), away, 'of another face it counts as none')
  t.same(await who('192.0.2.1', 'one', 'rubbish'), away)
  t.equal(
    (await app.inject({ url: '/v1/me', headers: { authorization: `Bearer ${good.accessToken}` } })).statusCode,
    401,
  )
})

t.test('the limits of an address hold for it, in its words', async (t) => {
  const app = await gateway(t, { REQUESTS_PER_MINUTE: '8', SEND_REQUESTS_PER_MINUTE: '2' })
  const from = { 'x-forwarded-for': `198.51.100.${randomBytes(1)[0]}` }
  const enter = () =>
    app.inject({ method: 'POST', url: '/sixth/api/enter', headers: from, payload: { who: 'a', secret: 'b' } })
  const statuses = [await enter(), await enter(), await enter()].map(({ statusCode }) => statusCode)
  t.same(statuses, [503, 503, 429])
  let last = await enter()
  for (let n = 0; n < 6; n++) last = await app.inject({ url: '/sixth/api/who', headers: from })
  t.match([last.statusCode, last.json(), last.headers], [429, { oops: 'rate.limited' }, { 'retry-after': /^\d+$/ }])
})

t.test('headers that are too large are refused like all else: marked, and counted', async (t) => {
  const app = await gateway(t, { REQUESTS_PER_MINUTE: '2', CORS_ORIGINS: 'https://app.example.com' })
  const headers = {
    origin: 'https://app.example.com',
    'x-forwarded-for': `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`,
    'x-large': 'x'.repeat(17 * 1_024),
  }
  for (const url of ['/v1/me', '/v1/me', '/nowhere']) {
    const refused = await app.inject({ url, headers })
    t.match([refused.statusCode, refused.json()], [400, { code: 'request.invalid' }])
    t.match(refused.headers, {
      'x-request-id': /./,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'access-control-allow-origin': headers.origin,
    })
  }
  t.equal((await app.inject({ url: '/v1/me', headers })).statusCode, 429)
})

t.test('calls of operators are counted for their address before their token is looked at', async (t) => {
  const app = await gateway(t, { REQUESTS_PER_MINUTE: '2' })
  const from = `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`
  const asked = async () =>
    (await app.inject({ url: '/v1/admin/audit?x', headers: { 'x-forwarded-for': from } })).statusCode
  t.same([await asked(), await asked(), await asked()], [401, 401, 429])
})
