// better-auth with its phone number and JWT plugins, as its documentation sets it up for production on PostgreSQL. AWAITED=true
// awaits the carrier in sendOTP; without it the send is started and left to itself, as its documentation recommends.
// REDIS_URL makes Redis its secondary storage; COOKIE_CACHE=true keeps sessions in a signed cookie for five minutes.
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt, phoneNumber } from 'better-auth/plugins'
import { Redis } from 'ioredis'
import pg from 'pg'
import { sendCode } from './carrier.mjs'

const { PORT, DATABASE_URL, REDIS_URL, AWAITED, COOKIE_CACHE, BETTER_AUTH_SECRET } = process.env

async function deliver({ phoneNumber: to, code }) {
  const sent = sendCode(to, code)
  if (AWAITED === 'true') await sent
  else sent.catch(() => undefined)
}

function redisStorage(url) {
  const redis = new Redis(url)
  return {
    get: (key) => redis.get(key),
    getAndDelete: (key) => redis.getdel(key),
    set: (key, value, ttl) => (ttl === undefined ? redis.set(key, value) : redis.set(key, value, 'EX', ttl)),
    delete: async (key) => void (await redis.del(key)),
    increment: async (key, ttl) => {
      const [[, count]] = await redis.multi().incr(key).expire(key, ttl, 'NX').exec()
      return count
    },
  }
}

const options = {
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL, max: 20 }),
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: 'error' },
  ...(REDIS_URL !== undefined && { secondaryStorage: redisStorage(REDIS_URL) }),
  ...(COOKIE_CACHE === 'true' && { session: { cookieCache: { enabled: true, maxAge: 5 * 60 } } }),
  plugins: [
    phoneNumber({
      sendOTP: deliver,
      sendPasswordResetOTP: deliver,
      signUpOnVerification: { getTempEmail: (phone) => `${phone.slice(1)}@phone.example.com` },
    }),
    // Without the header its documentation advises against setting, every session look-up would sign a token.
    jwt({ disableSettingJwtHeader: true }),
  ],
}

await (await getMigrations(options)).runMigrations()
const handle = toNodeHandler(betterAuth(options))

createServer((request, response) => {
  if (request.url === '/ready') response.end('ok')
  else void handle(request, response)
}).listen(Number(PORT), '127.0.0.1')
