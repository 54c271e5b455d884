import { ConfigError } from '@latchkey/kit/config'
import t from 'tap'
import { loadDialects } from '../src/dialects-config.js'

const policy = {
  codeLifeSeconds: 600,
  cooldownSeconds: 30,
  resends: 4,
  resend: 'repeat',
  attempts: 3,
  accessTokenSeconds: 3_600,
  hideConflicts: false,
} as const
const table = { acme: { policy }, 'acme-api': { policy } }

const load = (env: Record<string, string>) => loadDialects(env, table).mounted
const problems = (env: Record<string, string>): readonly string[] => {
  try {
    load(env)
    return []
  } catch (error) {
    return error instanceof ConfigError ? error.problems : [String(error)]
  }
}

t.test('development speaks all of them, production those that are listed', async (t) => {
  t.same(
    load({ NODE_ENV: 'development' }).map(({ name }) => name),
    ['acme', 'acme-api'],
  )
  t.same(load({ NODE_ENV: 'development', DIALECTS: 'none' }), [])
  t.same(load({}), [])
  t.same(load({ DIALECTS: 'acme-api , acme', ROOT_DIALECT: 'acme' }), [
    { name: 'acme-api', policy, root: false },
    { name: 'acme', policy, root: true },
  ])
})

t.test('every rule of a policy is a variable', async (t) => {
  t.match(
    load({
      DIALECTS: 'acme-api',
      DIALECT_ACME_API_CODE_LIFE_SECONDS: '120',
      DIALECT_ACME_API_RESENDS: '0',
      DIALECT_ACME_API_RESEND: 'rotate',
      DIALECT_ACME_API_HIDE_CONFLICTS: 'true',
    }),
    [{ policy: { ...policy, codeLifeSeconds: 120, resends: 0, resend: 'rotate', hideConflicts: true } }],
  )
})

t.test('whatever cannot be meant is said at once', async (t) => {
  const said = problems({
    DIALECTS: 'acme,pirate',
    ROOT_DIALECT: 'acme-api',
    DIALECT_ACME_COOLDOWN_SECONDS: '-1',
    DIALECT_ACME_ATTEMPTS: '11',
    DIALECT_ACME_ACCESS_TOKEN_SECONDS: '604801',
    DIALECT_ACME_RESEND: 'often',
    DIALECT_ACME_HIDE_CONFLICTS: 'yes',
    DIALECT_ACME_LOGIN_NEEDS_VERIFIED_PHONE: 'true',
    DIALECT_ACME_COLOUR: 'red',
    DIALECT_PIRATE_RESENDS: '1',
  })
  for (const name of [
    'DIALECTS and ROOT_DIALECT know acme, acme-api',
    'ROOT_DIALECT is not among DIALECTS',
    'DIALECT_ACME_COOLDOWN_SECONDS ',
    'DIALECT_ACME_ATTEMPTS ',
    'DIALECT_ACME_ACCESS_TOKEN_SECONDS ',
    'DIALECT_ACME_RESEND must be one of repeat, rotate',
    'DIALECT_ACME_HIDE_CONFLICTS must be one of true, false',
    'DIALECT_ACME_LOGIN_NEEDS_VERIFIED_PHONE is no rule',
    'DIALECT_ACME_COLOUR is no rule',
    'DIALECT_PIRATE_RESENDS is no rule',
  ])
    t.ok(
      said.some((sentence) => sentence.startsWith(name)),
      `${name}: ${said.join('; ')}`,
    )
  t.equal(said.length, 10)
})
