import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError } from '@latchkey/kit/config'
import t from 'tap'
import { loadGatewayConfig } from '../src/config.js'

const ring = () => `k1:${randomBytes(32).toString('base64')}`
const accessKey = (curve = 'P-256') =>
  `k1:${generateKeyPairSync('ec', { namedCurve: curve }).privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}`

const good = () => ({
  NODE_ENV: 'production',
  REDIS_URL: 'redis://127.0.0.1',
  USERS_URL: 'http://127.0.0.1:3001',
  INTERNAL_SECRET: randomBytes(32).toString('base64'),
  SEAL_KEYS: ring(),
  CODE_KEYS: ring(),
  CHALLENGE_ID_KEY: ring(),
  INDEX_KEY: ring(),
  TRACE_KEY: ring(),
  ACCESS_TOKEN_KEYS: accessKey(),
  SMS_COUNTRIES: 'IN,US',
})

const problems = (env: Record<string, string | undefined>): readonly string[] => {
  try {
    loadGatewayConfig(env)
    return []
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)]
  }
}

t.test('a whole configuration is taken, with the defaults of /v1', async (t) => {
  t.match(loadGatewayConfig(good()), {
    CODE_LIFE_SECONDS: 300,
    CODE_ATTEMPTS: 5,
    SEND_COOLDOWNS_SECONDS: '30,60,120,300',
    SENDS_PER_HOUR: 6,
    ACCESS_TOKEN_SECONDS: 600,
  })
})

t.test('everything that is missing is said at once, with what it is for', async (t) => {
  const said = problems({ NODE_ENV: 'production' }).join('\n')
  for (const name of [
    'REDIS_URL',
    'USERS_URL',
    'INTERNAL_SECRET',
    'SEAL_KEYS',
    'CODE_KEYS',
    'CHALLENGE_ID_KEY',
    'INDEX_KEY',
    'TRACE_KEY',
    'ACCESS_TOKEN_KEYS',
  ])
    t.match(said, `${name} is missing: `)
})

t.test('wrong values are named, and never quoted', async (t) => {
  const wrong = {
    INTERNAL_SECRET: 'hunter2-short',
    GATEWAY_PORT: '99999',
    CODE_DIGITS: '4',
    SEAL_KEYS: 'k1:c2hvcnQ=',
    ACCESS_TOKEN_KEYS: accessKey('P-384'),
    TRUST_PROXY: 'loopback',
    EXEMPT_CLIENTS: '10.0.0.0/99',
    SMS_COUNTRIES: undefined,
    TEST_NUMBERS: '+1234567890',
    EXPOSE_OTP: 'true',
    DIALECTS: 'pirate',
    JODIMILAN_USER_KEY: 'c2hvcnQ=',
    MESSAGECENTRAL_COUNTRY_CODE: '+91',
    CODE_LIFE_SECONDS: '299.9',
    CODE_ATTEMPTS: 'true',
    USERS_URL: 'http://users:3001/base',
    CORS_ORIGINS: 'front.example.org',
    SEND_COOLDOWNS_SECONDS: '30,7200',
    INDEX_KEY: `${ring()},${ring().replace('k1', 'k2')}`,
    CODE_KEYS: 'no ring',
    REDIS_URL: 'http://elsewhere',
  }
  for (const [name, value] of Object.entries(wrong)) {
    const said = problems({ ...good(), [name]: value })
    t.ok(
      said.some((sentence) => sentence.startsWith(name)),
      `${name}: ${said.join('; ')}`,
    )
    if (value !== undefined) t.notMatch(said.join(), value)
  }
})

t.test('waits and lives beyond what is kept of them are refused', async (t) => {
  for (const waits of ['0', '30,0', '86401', '30,99999999999999999999', '1e3', '-5', '30.5', '030', '30,'])
    t.match(problems({ ...good(), WRONG_PASSWORD_WAITS_SECONDS: waits }), [/^WRONG_PASSWORD_WAITS_SECONDS/], waits)
  t.same(problems({ ...good(), WRONG_PASSWORD_WAITS_SECONDS: '1,86400' }), [])
  t.match(problems({ ...good(), ACCESS_TOKEN_SECONDS: '604801' }), [/^ACCESS_TOKEN_SECONDS/])
  t.same(problems({ ...good(), ACCESS_TOKEN_SECONDS: '604800' }), [])
})

t.test('what would be believed too widely, or never match, is refused', async (t) => {
  for (const TRUST_PROXY of ['0.0.0.0/0', '::/0', '10', '1.2', 'loopback'])
    t.match(problems({ ...good(), TRUST_PROXY }), [/^TRUST_PROXY/], TRUST_PROXY)
  t.same(
    problems({ ...good(), TRUST_PROXY: '10.0.0.0/8, fd00::/8, 192.0.2.1', EXEMPT_CLIENTS: '::ffff:10.0.0.0/104' }),
    [],
  )
  t.match(problems({ ...good(), SMS_COUNTRIES: 'IN,UK' }), [/UK.*GB/])
  const long = `k1:${randomBytes(48).toString('base64')}`
  t.match(problems({ ...good(), SEAL_KEYS: long }), [/^SEAL_KEYS/])
})

t.test('production has no test numbers, and says which countries get messages', async (t) => {
  t.match(problems({ ...good(), TEST_NUMBERS: '+1234567890' }), [/^TEST_NUMBERS is for development only/])
  t.match(problems({ ...good(), SMS_COUNTRIES: undefined }), [/^SMS_COUNTRIES is missing/])
  const development = {
    ...good(),
    NODE_ENV: 'development',
    TEST_NUMBERS: '+1234567890',
    SMS_COUNTRIES: undefined,
    JODIMILAN_USER_KEY: randomBytes(32).toString('base64'),
  }
  t.same(problems(development), [])
})

t.test('nobody can sign up as an admin', async (t) => {
  t.match(problems({ ...good(), SIGNUP_ROLES: 'user,admin' }), [/^SIGNUP_ROLES offers admin.*npm run admin/])
  t.same(problems({ ...good(), SIGNUP_ROLES: 'user,administrator' }), [])
})

t.test('one key for two jobs is refused, however it is spelled', async (t) => {
  const both = ring()
  const respelled = both.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  t.match(problems({ ...good(), SEAL_KEYS: both, CODE_KEYS: respelled }), [/must be different keys/])
  t.match(problems({ ...good(), JODIMILAN_USER_KEY: both.slice(3), INDEX_KEY: both }), [/must be different keys/])
  t.match(problems({ ...good(), CODE_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` }), [
    /^CODE_KEYS holds a key that is not random/,
  ])
  t.match(problems({ ...good(), INTERNAL_SECRET: 'x'.repeat(40) }), [/^INTERNAL_SECRET holds a key that is not random/])
})

t.test('every key, secret and address may come from a file of its own, and is held to the same', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-config-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const { NODE_ENV, ...values } = { ...good(), JODIMILAN_USER_KEY: randomBytes(32).toString('base64') }
  const files = Object.entries(values).map(([name, value]) => {
    writeFileSync(join(folder, name), `${value}\n`)
    return [`${name}_FILE`, join(folder, name)] as const
  })
  t.match(loadGatewayConfig({ NODE_ENV, ...Object.fromEntries(files) }), values)
  writeFileSync(join(folder, 'CODE_KEYS'), values.SEAL_KEYS)
  t.match(problems({ NODE_ENV, ...Object.fromEntries(files) }), [/SEAL_KEYS and CODE_KEYS must be different/])
})
