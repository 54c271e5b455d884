import { randomBytes } from 'node:crypto'
import { pickPort } from '@latchkey/local/ports'
import { startChild } from '../child.js'
import { createClient, textIn } from '../http.js'
import type { Place } from '../place.js'
import type { Contender, Pending, Signed } from './contender.js'

interface Variant {
  /** Whether the request waits for the carrier. */
  readonly awaited?: boolean
  /** Whether Redis is its secondary storage. */
  readonly redis?: boolean
  /** Whether sessions are believed for five minutes by a signed cookie. */
  readonly cookieCache?: boolean
}

/** better-auth with its phone number plugin, in one process of its own. */
export async function startBetterAuth(
  name: string,
  place: Place,
  { awaited = false, redis = false, cookieCache = false }: Variant = {},
): Promise<Contender> {
  const port = await pickPort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild(name, {
    file: `${place.programs}/better-auth.mjs`,
    folder: place.folder,
    env: {
      ...place.carrier.env,
      PORT: String(port),
      DATABASE_URL: await place.database(name),
      BETTER_AUTH_SECRET: randomBytes(32).toString('base64url'),
      AWAITED: String(awaited),
      COOKIE_CACHE: String(cookieCache),
      ...(redis && { REDIS_URL: await place.redis() }),
    },
    url,
    ready: '/ready',
  })
  const client = createClient(url)
  const api = (path: string) => `/api/auth${path}`
  const post = (path: string, body: object) => client.post(api(path), { body, expect: 200 })
  const send = async (phone: string): Promise<Pending> => {
    await post('/phone-number/send-otp', { phoneNumber: phone })
    return { phone, ref: phone }
  }
  const verify = async ({ phone }: Pending, code: string): Promise<Signed> => {
    const { cookies } = await post('/phone-number/verify', { phoneNumber: phone, code })
    return { phone, token: cookies, renewal: cookies }
  }
  const token = async ({ renewal }: Signed) =>
    textIn((await client.get(api('/token'), { headers: { cookie: renewal }, expect: 200 })).body, 'token')
  return {
    name,
    processes: () => ({ server: child.pid }),
    signUp: (phone) => send(phone),
    answer: verify,
    askCode: send,
    answerLogIn: verify,
    async logIn(phone, password) {
      const { cookies } = await post('/sign-in/phone-number', { phoneNumber: phone, password })
      return { phone, token: cookies, renewal: cookies }
    },
    async renew(signed) {
      await token(signed)
      return signed
    },
    // Without the cached session that it brings, a session look-up sets a new one.
    async revive(signed) {
      const cookie = signed.renewal.split('; ').find((one) => one.includes('session_token=')) ?? ''
      const { cookies } = await client.get(api('/get-session'), { headers: { cookie }, expect: 200 })
      return { ...signed, token: [cookie, cookies].filter((text) => text !== '').join('; ') }
    },
    async check({ token: cookie }) {
      const { body } = await client.get(api('/get-session'), { headers: { cookie }, expect: 200 })
      textIn(body, 'user', 'id')
    },
    believable: token,
    jwksUrl: `${url}${api('/jwks')}`,
    async setPassword(phone, password, codeOf) {
      await post('/phone-number/request-password-reset', { phoneNumber: phone })
      await post('/phone-number/reset-password', { phoneNumber: phone, otp: await codeOf(), newPassword: password })
    },
    async stop() {
      await client.close()
      await child.stop()
    },
  }
}
