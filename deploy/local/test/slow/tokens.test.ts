import { randomUUID } from 'node:crypto'
import t from 'tap'
import { claimsOf, hostileTokens, mintedKey } from '../hostile-tokens.js'
import { everywhere } from '../dialects/everywhere.js'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { usersApi } from '../dialects/faces/users-api.js'
import { begin, settle } from '../dialects/scene.js'
import { randomPerson, world } from '../dialects/world.js'

const lives: Readonly<Record<Face['name'], number>> = {
  staged: 7 * 86_400,
  careops: 86_400,
  jodimilan: 7 * 86_400,
  rently: 7 * 86_400,
  'users-api': 3_600,
}

/** What a token opens that was given before the proof, at the faces that give one. */
const scopes: Readonly<Record<string, string>> = {
  staged: 'change-password',
  careops: 'me',
  'users-api': 'me token/refresh',
}

type Paths = Readonly<Record<string, Readonly<Record<string, { readonly security?: unknown }>>>>

/** A body for every call that takes a token and wants one: what is malformed is refused before anybody asks who it is from. */
const bodies: Readonly<Record<string, object>> = {
  'POST /v1/logout': {},
  'PATCH /v1/me': { name: 'Asha' },
  'DELETE /v1/me': {},
  'POST /v1/me/password': { newPassword: 'plum trombone harbour' },
  'POST /v1/me/phone': { phone: '+919876543210' },
  'POST /v1/me/email': { email: 'asha@example.com' },
  'PUT /v1/me/second-factor': { enabled: true, password: 'plum trombone harbour' },
  'POST /v1/admin/switches': {
    does: 'pause',
    target: 'lane',
    name: 'twilio',
    until: new Date(Date.now() + 3_600_000).toISOString(),
    why: 'nobody asked for it',
  },
  'POST /staged/api/auth/change-password': { newPassword: 'plum trombone harbour' },
}

/** And a query, where one is wanted. */
const queries: Readonly<Record<string, string>> = { 'GET /v1/admin/messages': '?phone=%2B919876543210' }

t.test('access tokens of the faces', async (t) => {
  const minted = mintedKey()
  const here = await world(t, { ACCESS_TOKEN_KEYS: minted.ring })

  for (const face of faces)
    await t.test(`${face.name}: a token is ours, for this face, for as long as its policy says`, async (t) => {
      const { token = '' } = await settle({ ...here, face }, here.client())
      const { aud, iat, exp } = claimsOf(token)
      t.equal(aud, face.name)
      t.equal(Number(exp) - Number(iat), lives[face.name])
    })

  await t.test('a token from before the proof says what it opens; one from after it is whole', async (t) => {
    for (const face of faces.filter(({ name }) => name in scopes)) {
      const [by, who] = [here.client(), randomPerson()]
      const registered = await begin({ face }, by, who)
      const early = face.tokenIn(registered) ?? face.tokenIn(await face.logIn(by, who))
      t.equal(claimsOf(early ?? '')['scope'], scopes[face.name], face.name)
      await face.verify(by, who, await here.code(who.phone))
      if (face.name === 'careops')
        t.notOk('scope' in claimsOf(face.tokenIn(await face.logIn(by, who)) ?? ''), 'careops, proved')
      const { refresh } = registered.body.tokens ?? {}
      if (refresh === undefined) continue
      const next = await by.call('POST', '/users-api/api/users/token/refresh/', { refresh })
      t.notOk('scope' in claimsOf(next.body.access), 'users-api, proved')
    }
  })

  for (const face of faces) {
    const { opens } = face
    if (opens === undefined) continue
    await t.test(`${face.name}: a forged, expired or foreign token is 401 in its shape, never 500`, async (t) => {
      const by = here.client()
      const { token = '' } = await settle({ ...here, face }, by)
      const control = await opens(by, minted.mint(claimsOf(token)))
      t.notOk(control.headers['www-authenticate'], 'the control: a token minted here is good')
      const hostile = hostileTokens(minted, { good: token, otherFace: 'v1', refreshToken: `lkr_${'x'.repeat(90)}` })
      for (const [what, token] of [['no token', undefined], ['no JWT', 'x'], ...Object.entries(hostile)] as const) {
        const answer = await opens(by, token)
        t.match(answer, { status: 401, headers: { 'www-authenticate': /Bearer/ } }, what)
        t.ok(face.isShaped(answer), what)
      }
    })
  }

  for (const face of faces.filter(({ opens }) => opens === undefined))
    await t.test(
      `${face.name}: where no token is asked for a hostile one counts as none, and breaks nothing`,
      async (t) => {
        const by = here.client()
        const { token = '' } = await settle({ ...here, face }, here.client())
        const hostile = hostileTokens(minted, { good: token, otherFace: 'v1', refreshToken: 'lkr_x' })
        for (const [what, token] of Object.entries(hostile)) {
          const answer = await face.verify(by, randomPerson(), '000001', token)
          t.ok(answer.status >= 400 && answer.status < 500 && face.isShaped(answer), `${what}: ${answer.status}`)
        }
      },
    )

  await t.test('a token whose session has ended is 401 at every route that takes one, on every face', async (t) => {
    const by = here.client()
    const { who, token } = await settle({ ...here, face: usersApi }, by)
    const tokens: Record<string, string> = { ...(await everywhere(t, by, who)), 'users-api': String(token) }
    t.match(await by.call('POST', '/v1/logout', { all: true }, { token: String(tokens['v1']) }), { status: 204 })
    for (const [name, prefix] of [['v1', ''], ...faces.map(({ name }) => [name, `/${name}`])] as const) {
      const { paths } = (await by.call('GET', `${prefix}/openapi.json`)).body as { paths: Paths }
      for (const [path, methods] of Object.entries(paths))
        for (const [method, { security }] of Object.entries(methods)) {
          if (security === undefined) continue
          const route = `${method.toUpperCase()} ${prefix}${path}`
          const url = `${prefix}${path}${queries[route] ?? ''}`.replace(/\{\w+\}/g, randomUUID())
          const asked = by.call(method.toUpperCase() as 'POST', url, bodies[route], { token: String(tokens[name]) })
          t.match(await asked, { status: 401, headers: { 'www-authenticate': /Bearer/ } }, route)
        }
    }
  })
})
