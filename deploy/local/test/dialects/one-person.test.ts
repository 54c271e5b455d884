import t, { type Test } from 'tap'
import type { Answer } from '../journey/journey.js'
import type { Face } from './faces/face.js'
import { faces } from './faces/faces.js'
import { usersApi } from './faces/users-api.js'
import { settle } from './scene.js'
import { type Client, type Person, randomPerson, type World, world } from './world.js'

// One account, whichever face it was made in, and sessions that each open one face only.

type LogIn = (by: Client, who: Person) => Promise<Answer>
const post =
  (path: string, body: (who: Person) => object): LogIn =>
  (by, who) =>
    by.call('POST', path, body(who))

/** How an account that any face made logs in at each: by what they all know of it. */
const logIns = {
  staged: post('/staged/api/auth/login', ({ phone, password }) => ({ phoneNumber: phone, password })),
  careops: post('/careops/api/auth/login', ({ email, password }) => ({ email, password })),
  jodimilan: post('/jodimilan/api/auth/login', ({ phone, password }) => ({
    email: phone.slice(3),
    dialing_code: '91',
    password,
  })),
  rently: post('/rently/api/auth/login', ({ email, password }) => ({ email, password })),
  v1: post('/v1/login', ({ phone, password }) => ({ identifier: phone, password })),
} satisfies Record<string, LogIn>

/** The access token in the answer of a log-in. */
const tokenOf = ({ body }: Answer): string =>
  body.token ?? body.access_token ?? body.data?.access_token ?? body.session?.accessToken

/** A call of each face that only its own good token opens, and that changes nothing. */
const doors: Readonly<Record<string, (by: Client, token: string) => Promise<Answer>>> = {
  staged: (by, token) => by.call('POST', '/staged/api/auth/change-password', { newPassword: 'short' }, { token }),
  careops: (by, token) => by.call('GET', '/careops/api/auth/me', undefined, { token }),
  'users-api': (by, token) => by.call('GET', '/users-api/api/users/me/', undefined, { token }),
  v1: (by, token) => by.call('GET', '/v1/me', undefined, { token }),
}

/** Told apart from a wrong current password, which is 401 as well. */
const isShut = ({ status, headers }: Answer): boolean => status === 401 && headers['www-authenticate'] !== undefined

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Logs in everywhere; the access token of each face. */
async function everywhere(t: Test, by: Client, who: Person): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {}
  for (const [face, logIn] of Object.entries(logIns)) {
    const answer = await logIn(by, who)
    t.equal(answer.status, 200, `${face}: ${JSON.stringify(answer.body)}`)
    tokens[face] = tokenOf(answer)
  }
  return tokens
}

/** Which of the doors a set of tokens still opens. */
async function open(by: Client, tokens: Record<string, string>): Promise<string[]> {
  const found = []
  for (const [face, door] of Object.entries(doors)) {
    const token = tokens[face]
    if (token !== undefined && !isShut(await door(by, token))) found.push(face)
  }
  return found
}

t.test('one person everywhere', async (t) => {
  const here = await world(t)

  for (const face of faces)
    await t.test(
      `who signed up at ${face.name} logs in at all others and on /v1, and is the same account by every id`,
      (t) => sameAccount(t, here, face),
    )
  await t.test('who signed up on /v1 logs in at every face', async (t) => {
    const [by, who] = [here.client(), randomPerson()]
    await onV1(here, by, who)
    await everywhere(t, by, who)
  })

  await t.test('a token opens its own face and no other', async (t) => {
    const by = here.client()
    const { who, token } = await settle({ ...here, face: usersApi }, by)
    const tokens = { ...(await everywhere(t, by, who)), 'users-api': String(token) }
    for (const [from, token] of Object.entries(tokens)) {
      t.equal(claimsOf(token).aud, from)
      for (const [to, door] of Object.entries(doors)) {
        const answer = await door(by, token)
        t.equal(isShut(answer), from !== to, `${from}'s at ${to}: ${answer.status}`)
      }
    }
  })

  for (const [what, change] of Object.entries(changes))
    await t.test(`${what} ends the sessions of every face`, async (t) => {
      const [by, who] = [here.client(), randomPerson()]
      await onV1(here, by, who)
      const tokens = await everywhere(t, by, who)
      t.same(await open(by, tokens), ['staged', 'careops', 'v1'])
      const next = `next-${who.password}`
      const kept = await change(t, here, by, who, tokens, next)
      t.same(await open(by, tokens), kept)
      for (const [name, logIn] of Object.entries(logIns))
        t.match(await logIn(by, who), { status: 401 }, `${name}: the old password`)
      await everywhere(t, by, { ...who, password: next })
    })
})

async function onV1({ code }: World, by: Client, who: Person): Promise<void> {
  const { phone, email, username, password } = who
  const started = await by.call('POST', '/v1/signup', { phone, email, username, password })
  await by.call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code: await code(phone) })
}

async function sameAccount(t: Test, here: World, face: Face): Promise<void> {
  const by = here.client()
  const { who } = await settle({ ...here, face }, by)
  const { body } = await logIns.v1(by, who)
  const { id, number } = body.user as { id: string; number: number }
  t.match(body.user, { phone: who.phone, phoneVerified: true, email: who.email })
  // The time of the UUIDv7 in seconds, and its last 16 digits.
  const hex = id.replaceAll('-', '')
  const objectId =
    Math.floor(Number.parseInt(hex.slice(0, 12), 16) / 1_000)
      .toString(16)
      .padStart(8, '0') + hex.slice(16)
  t.match(await logIns.staged(by, who), { status: 200, body: { user: { id: number, phoneNumber: who.phone } } })
  t.match(await logIns.careops(by, who), { status: 200, body: { user: { id: number, is_phone_verified: true } } })
  t.match(await logIns.jodimilan(by, who), { status: 200, body: { data: { user_id: number } } })
  t.match(await logIns.rently(by, who), { status: 200, body: { user: { id: objectId, email: who.email } } })
  for (const ryt of [`RYT${number}`, `ryt${number}`])
    t.match(
      await by.call('POST', '/jodimilan/api/auth/login', { email: ryt, password: who.password }),
      { status: 200, body: { data: { user_id: number } } },
      ryt,
    )
  for (const token of Object.values(await everywhere(t, by, who))) t.equal(claimsOf(token).sub, id)
}

type Change = (
  t: Test,
  here: World,
  by: Client,
  who: Person,
  tokens: Record<string, string>,
  next: string,
) => Promise<string[]>

/** Every way to set a new password; each answers which of the doors its own session keeps open. */
const changes: Readonly<Record<string, Change>> = {
  'staged change-password': async (t, _here, by, who, tokens, next) => {
    const body = { currentPassword: who.password, newPassword: next }
    const answer = await by.call('POST', '/staged/api/auth/change-password', body, { token: tokens['staged'] })
    t.match(answer, { status: 200, body: { message: String } })
    return ['staged']
  },
  '/v1/me/password': async (t, _here, by, who, tokens, next) => {
    const body = { currentPassword: who.password, newPassword: next }
    t.match(await by.call('POST', '/v1/me/password', body, { token: tokens['v1'] }), { status: 204 })
    return ['v1']
  },
  'rently reset-password': async (t, { code }, by, { email, phone }, _tokens, newPassword) => {
    await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone })
    const otp = await code(phone, 2)
    const verified = await by.call('POST', '/rently/api/auth/forgot-password-verify-otp', { email, otp })
    const { resetToken } = verified.body
    t.match(await by.call('POST', '/rently/api/auth/reset-password', { email, newPassword, resetToken }), {
      status: 200,
    })
    return []
  },
  '/v1/password/reset': async (t, { code }, by, { phone }, _tokens, newPassword) => {
    const forgot = await by.call('POST', '/v1/password/forgot', { identifier: phone })
    const answer = await by.call('POST', `/v1/challenges/${forgot.body.challenge.id}/answer`, {
      code: await code(phone, 2),
    })
    const { resetToken } = answer.body
    t.match(await by.call('POST', '/v1/password/reset', { resetToken, newPassword }), { status: 204 })
    return []
  },
}
