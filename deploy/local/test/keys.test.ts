import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { planServices, readGiven, readPorts, type ServiceName } from '../src/env.js'
import { generateKeys, keepKeys } from '../src/keys.js'

function folder(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-keys-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  return dir
}

const stores = { databaseUrl: 'postgres://here', redisUrl: 'redis://here' }

t.test('generated keys are kept, readable by their owner alone', async (t) => {
  const dir = folder(t)
  const first = keepKeys(dir)
  t.strictSame(keepKeys(dir), first)
  t.equal(statSync(join(dir, 'keys.env')).mode & 0o777, 0o600)
})

t.test('a key that a newer version needs is added to those that are there', async (t) => {
  const dir = folder(t)
  const { INDEX_KEY, ...older } = keepKeys(dir)
  writeFileSync(
    join(dir, 'keys.env'),
    Object.entries(older)
      .map((pair) => pair.join('='))
      .join('\n'),
  )
  const completed = keepKeys(dir)
  t.match(completed, older)
  t.match(completed.INDEX_KEY, /^k/)
  t.not(completed.INDEX_KEY, INDEX_KEY)
  t.match(readFileSync(join(dir, 'keys.env'), 'utf8'), completed.INDEX_KEY)
})

t.test('each service is told its own secrets, and nobody else’s', async (t) => {
  const given = { TWILIO_AUTH_TOKEN: 'carrier', DATABASE_URL_FILE: '/run/db', BRAND_NAME: 'Acme' }
  const plans = planServices({ given, keys: generateKeys(), ...stores })
  const told = (variable: string): ServiceName[] => plans.filter(({ env }) => variable in env).map(({ name }) => name)
  t.strictSame(told('DATABASE_URL'), ['users'])
  t.strictSame(told('DATABASE_URL_FILE'), ['users'])
  t.strictSame(told('TOKEN_KEYS'), ['users'])
  t.strictSame(told('INTERNAL_SECRET'), ['users', 'auth-gateway'])
  t.strictSame(told('SEAL_KEYS'), ['sms-worker', 'auth-gateway'])
  t.strictSame(told('CODE_KEYS'), ['auth-gateway'])
  t.strictSame(told('ACCESS_TOKEN_KEYS'), ['auth-gateway'])
  t.strictSame(told('TWILIO_AUTH_TOKEN'), ['sms-worker'])
  t.strictSame(told('BRAND_NAME'), ['users', 'sms-worker', 'auth-gateway'])
})

t.test('the environment wins over .env, and .env over what is generated', async (t) => {
  const dotEnv = join(folder(t), '.env')
  writeFileSync(dotEnv, 'BRAND_NAME=Written\nLOG_LEVEL=debug\nCODE_KEYS=mine:key\nINDEX_KEY=\n')
  const given = readGiven(dotEnv, { BRAND_NAME: 'Exported', LOG_LEVEL: '', npm_lifecycle_event: 'start' })
  const gateway = planServices({ given, keys: generateKeys(), ...stores }).find(({ name }) => name === 'auth-gateway')
  t.match(gateway?.env, { BRAND_NAME: 'Exported', LOG_LEVEL: 'debug', CODE_KEYS: 'mine:key', INDEX_KEY: /^k/ })
  t.notOk(gateway?.env['npm_lifecycle_event'])
})

t.test('every port that cannot be used is named at once, with exit code 78', async (t) => {
  t.throws(() => readPorts({ GATEWAY_PORT: 'x', USERS_PORT: '9103' }), {
    message: 'WORKER_OPS_PORT and USERS_PORT are the same port, 9103; GATEWAY_PORT must be a port, 1 to 65535',
    exitCode: 78,
  })
})
