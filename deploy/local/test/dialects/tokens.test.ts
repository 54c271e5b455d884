import { generateKeyPairSync, sign } from 'node:crypto'
import t from 'tap'
import type { Face } from './faces/face.js'
import { faces } from './faces/faces.js'
import { begin, settle } from './scene.js'
import { randomPerson, world } from './world.js'

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const privateKey = pair()
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** An access token as our gateway would sign it, of whatever claims; or as somebody else would. */
function mint(claims: object, header: object = {}, key = privateKey): string {
  const text = `${encode({ alg: 'ES256', typ: 'at+jwt', kid: 't1', ...header })}.${encode(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}
const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

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

t.test('access tokens of the faces', async (t) => {
  const key = `t1:${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`
  const here = await world(t, { ACCESS_TOKEN_KEYS: key })

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
      const claims = claimsOf(token)
      t.notOk((await opens(by, mint(claims))).headers['www-authenticate'], 'the control: a token minted here is good')
      for (const [what, hostile] of Object.entries({
        'no token': undefined,
        'no JWT': 'x',
        expired: mint({ ...claims, iat: 1, exp: 2 }),
        'of /v1': mint({ ...claims, aud: 'v1' }),
        'of every face': mint({ ...claims, aud: [face.name, 'v1'] }),
        'of another issuer': mint({ ...claims, iss: 'somebody' }),
        'of another key': mint(claims, {}, pair()),
        'of no session': mint({ ...claims, sid: '00000000-0000-7000-8000-000000000000' }),
        'alg none': `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`,
        'as the document has it': mint(claims, { alg: 'HS256', typ: 'JWT' }),
      })) {
        const answer = await opens(by, hostile)
        t.match(answer, { status: 401, headers: { 'www-authenticate': /Bearer/ } }, what)
        t.ok(face.isShaped(answer), what)
      }
    })
  }
})
