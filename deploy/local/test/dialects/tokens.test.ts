import t from 'tap'
import { claimsOf, hostileTokens, mintedKey } from '../hostile-tokens.js'
import type { Face } from './faces/face.js'
import { faces } from './faces/faces.js'
import { begin, settle } from './scene.js'
import { randomPerson, world } from './world.js'

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
})
