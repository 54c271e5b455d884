import { randomBytes } from 'node:crypto'
import { pickPort } from '@latchkey/local/ports'
import { startChild } from '../child.js'
import { createClient, textIn } from '../http.js'
import type { Place } from '../place.js'
import type { Contender, Signed } from './contender.js'

/** One Express process that awaits the carrier, as the documents of our dialects describe it. */
export async function startDocuments(name: string, place: Place): Promise<Contender> {
  const port = await pickPort()
  const url = `http://127.0.0.1:${port}`
  const child = await startChild(name, {
    file: `${place.programs}/documents.mjs`,
    folder: place.folder,
    env: {
      ...place.carrier.env,
      PORT: String(port),
      DATABASE_URL: await place.database(name),
      JWT_SECRET: randomBytes(32).toString('base64url'),
    },
    url,
    ready: '/ready',
  })
  const client = createClient(url)
  const signed = (phone: string, body: unknown): Signed => ({ phone, token: textIn(body, 'access_token'), renewal: '' })
  async function answer(phone: string, otp: string): Promise<Signed> {
    return signed(phone, (await client.post('/api/auth/verify-otp', { body: { phone, otp }, expect: 200 })).body)
  }
  return {
    name,
    processes: () => ({ server: child.pid }),
    async signUp(phone, password) {
      const body = { name: 'Asha Rao', email: `${phone.slice(1)}@example.com`, phone, password }
      await client.post('/api/auth/signup', { body, expect: 201 })
      return { phone, ref: phone }
    },
    answer: ({ phone }, code) => answer(phone, code),
    async askCode(phone) {
      await client.post('/api/auth/resend/otp', { body: { phone }, expect: 200 })
      return { phone, ref: phone }
    },
    answerLogIn: ({ phone }, code) => answer(phone, code),
    async logIn(phone, password) {
      return signed(phone, (await client.post('/api/auth/login', { body: { phone, password }, expect: 200 })).body)
    },
    check: ({ token }) => client.get('/api/users/me', { headers: { authorization: `Bearer ${token}` }, expect: 200 }),
    async stop() {
      await client.close()
      await child.stop()
    },
  }
}
