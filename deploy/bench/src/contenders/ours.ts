import { randomBytes } from 'node:crypto'
import { type Stack, startStack } from '@latchkey/local/stack'
import { createClient, textIn } from '../http.js'
import type { Place } from '../place.js'
import type { Contender, Signed } from './contender.js'

/** Latchkey, and what only it is asked: its stores and processes. */
export interface Ours extends Contender {
  readonly stack: Stack
  /** The keys that jobs are prepared with. */
  readonly keys: { readonly SEAL_KEYS: string; readonly CHALLENGE_ID_KEY: string }
}

const ring = () => `bench:${randomBytes(32).toString('base64')}`

/** Gateway, users and worker in production configuration; a load test is the caller that EXEMPT_CLIENTS is for. */
export async function startOurs(name: string, place: Place): Promise<Ours> {
  const keys = { SEAL_KEYS: ring(), CHALLENGE_ID_KEY: ring() }
  const stack = await startStack({
    databaseUrl: await place.database(name),
    redisUrl: await place.redis(),
    ownStores: true,
    mode: 'production',
    env: {
      SMS_COUNTRIES: 'IN',
      EXEMPT_CLIENTS: '127.0.0.0/8',
      SMS_PROVIDERS: 'twilio',
      ...place.carrier.env,
      ...keys,
    },
  })
  const client = createClient(stack.gatewayUrl)
  const signed = (phone: string, body: unknown): Signed => ({
    phone,
    token: textIn(body, 'session', 'accessToken'),
    renewal: textIn(body, 'session', 'refreshToken'),
  })
  const answer = async (id: string, phone: string, code: string, expect: number): Promise<Signed> =>
    signed(phone, (await client.post(`/v1/challenges/${id}/answer`, { body: { code }, expect })).body)
  async function renew({ phone, renewal }: Signed): Promise<Signed> {
    const { body } = await client.post('/v1/token/refresh', { body: { refreshToken: renewal }, expect: 200 })
    return signed(phone, body)
  }
  return {
    name,
    stack,
    keys,
    processes: () => ({
      gateway: stack.processes['auth-gateway'].pid,
      users: stack.processes.users.pid,
      worker: stack.processes['sms-worker'].pid,
    }),
    async signUp(phone, password) {
      const { body } = await client.post('/v1/signup', { body: { phone, password }, expect: 202 })
      return { phone, ref: textIn(body, 'challenge', 'id') }
    },
    answer: ({ ref, phone }, code) => answer(ref, phone, code, 201),
    async askCode(phone) {
      const { body } = await client.post('/v1/login/code', { body: { phone }, expect: 202 })
      return { phone, ref: textIn(body, 'challenge', 'id') }
    },
    answerLogIn: ({ ref, phone }, code) => answer(ref, phone, code, 200),
    async logIn(phone, password) {
      return signed(
        phone,
        (await client.post('/v1/login', { body: { identifier: phone, password }, expect: 200 })).body,
      )
    },
    renew,
    revive: renew,
    check: ({ token }) => client.get('/v1/me', { headers: { authorization: `Bearer ${token}` }, expect: 200 }),
    believable: async ({ token }) => token,
    jwksUrl: `${stack.gatewayUrl}/.well-known/jwks.json`,
    async stop() {
      await client.close()
      await stack.stop()
    },
  }
}
