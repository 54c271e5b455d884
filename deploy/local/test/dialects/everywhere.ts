import type { Test } from 'tap'
import type { Answer } from '../journey/journey.js'
import type { Client, Person, World } from './world.js'

// One account as every face sees it: how it logs in, what its tokens open, how its password is changed.

export type LogIn = (by: Client, who: Person) => Promise<Answer>
const post =
  (path: string, body: (who: Person) => object): LogIn =>
  (by, who) =>
    by.call('POST', path, body(who))

/** How an account that any face made logs in at each: by what they all know of it. */
export const logIns = {
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
export const tokenOf = ({ body }: Answer): string =>
  body.token ?? body.access_token ?? body.data?.access_token ?? body.session?.accessToken

/** A call of each face that only its own good token opens, and that changes nothing. */
export const doors: Readonly<Record<string, (by: Client, token: string) => Promise<Answer>>> = {
  staged: (by, token) => by.call('POST', '/staged/api/auth/change-password', { newPassword: 'short' }, { token }),
  careops: (by, token) => by.call('GET', '/careops/api/auth/me', undefined, { token }),
  'users-api': (by, token) => by.call('GET', '/users-api/api/users/me/', undefined, { token }),
  v1: (by, token) => by.call('GET', '/v1/me', undefined, { token }),
}

/** Told apart from a wrong current password, which is 401 as well. */
export const isShut = ({ status, headers }: Answer): boolean =>
  status === 401 && headers['www-authenticate'] !== undefined

export const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Logs in everywhere; the access token of each face. */
export async function everywhere(t: Test, by: Client, who: Person): Promise<Record<string, string>> {
  const tokens: Record<string, string> = {}
  for (const [face, logIn] of Object.entries(logIns)) {
    const answer = await logIn(by, who)
    t.equal(answer.status, 200, `${face}: ${JSON.stringify(answer.body)}`)
    tokens[face] = tokenOf(answer)
  }
  return tokens
}

/** Which of the doors a set of tokens still opens. */
export async function open(by: Client, tokens: Record<string, string>): Promise<string[]> {
  const found = []
  for (const [face, door] of Object.entries(doors)) {
    const token = tokens[face]
    if (token !== undefined && !isShut(await door(by, token))) found.push(face)
  }
  return found
}

/** Whose account a good answer of a log-in is of. */
export const accountIn = (answer: Answer): string => claimsOf(tokenOf(answer)).sub

/** Every field of every face that somebody logs in by, filled with all that he may call himself. */
export async function tryEverything(
  by: Client,
  { phone, email, username, password }: Pick<Person, 'phone' | 'password'> & Partial<Person>,
): Promise<{ readonly at: string; readonly answer: Answer }[]> {
  const tries: (readonly [path: string, body: object])[] = []
  for (const name of [phone, email, username].filter((given) => given !== undefined)) {
    tries.push(
      ['/v1/login', { identifier: name, password }],
      ['/staged/api/auth/login', { [name === phone ? 'phoneNumber' : 'username']: name, password }],
      ['/jodimilan/api/auth/login', { email: name, password }],
    )
    if (name !== email) continue
    for (const face of ['careops', 'rently']) tries.push([`/${face}/api/auth/login`, { email, password }])
  }
  const told = []
  // One after the other: a machine makes few hashes at once.
  for (const [path, body] of tries)
    told.push({ at: `${path} ${JSON.stringify(body)}`, answer: await by.call('POST', path, body) })
  return told
}

/** Signs up on /v1, with all that an account can be found by. */
export async function onV1({ code }: World, by: Client, who: Person): Promise<void> {
  const { phone, email, username, password } = who
  const started = await by.call('POST', '/v1/signup', { phone, email, username, password })
  await by.call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, { code: await code(phone) })
}

export type Change = (
  t: Test,
  here: World,
  by: Client,
  who: Person,
  tokens: Record<string, string>,
  next: string,
) => Promise<string[]>

/** Every way to set a new password; each answers which of the doors its own session keeps open. */
export const changes: Readonly<Record<string, Change>> = {
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
  'rently reset-password': async (t, { code, inbox }, by, { email, phone }, _tokens, newPassword) => {
    const before = (await inbox(phone)).length
    await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone })
    const otp = await code(phone, before + 1)
    const verified = await by.call('POST', '/rently/api/auth/forgot-password-verify-otp', { email, otp })
    const { resetToken } = verified.body
    t.match(await by.call('POST', '/rently/api/auth/reset-password', { email, newPassword, resetToken }), {
      status: 200,
    })
    return []
  },
  '/v1/password/reset': async (t, { code, inbox }, by, { phone }, _tokens, newPassword) => {
    const before = (await inbox(phone)).length
    const forgot = await by.call('POST', '/v1/password/forgot', { identifier: phone })
    const answer = await by.call('POST', `/v1/challenges/${forgot.body.challenge.id}/answer`, {
      code: await code(phone, before + 1),
    })
    const { resetToken } = answer.body
    t.match(await by.call('POST', '/v1/password/reset', { resetToken, newPassword }), { status: 204 })
    return []
  },
}
