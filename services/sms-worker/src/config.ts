import { ConfigError, loadConfig, type Rule } from '@latchkey/kit/config'
import { keyRingPattern, parseKeyRing } from '@latchkey/kit/key-ring'
import { type Static, type TObject, Type } from 'typebox'
import { brandMax, domainMax } from './messages/render.js'

const Port = (standard: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: standard, description })
const Text = (description: string) => Type.Optional(Type.String({ description }))
const redisUrl = '^rediss?://'
const phone = /^\+[1-9]\d{6,14}$/

const Environment = Type.Object({
  NODE_ENV: Type.Enum(['development', 'production'], {
    default: 'production',
    description: '`development` opens the inbox and the test numbers',
  }),
})

const Process = Type.Object({
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
  WORKER_PORT: Port(3002, 'where carriers call'),
  WORKER_OPS_PORT: Port(9103, '/live, /ready and /metrics'),
  WORKER_CONCURRENCY: Type.Integer({ minimum: 1, maximum: 1_000, default: 200, description: 'jobs in hand at once' }),
  REDIS_URL: Type.String({ pattern: redisUrl, description: 'where challenges live: redis://host:port/database' }),
  QUEUE_REDIS_URL: Type.Optional(
    Type.String({ pattern: redisUrl, description: 'where the queues live; REDIS_URL where not set' }),
  ),
  BRAND_NAME: Type.String({
    pattern: `^[A-Za-z0-9 .,&'()+!-]{1,${brandMax}}$`,
    default: 'Latchkey',
    description: `begins every message: at most ${brandMax} plain letters, digits, spaces and .,&'()+!-`,
  }),
  WEBOTP_DOMAIN: Type.Optional(
    Type.String({
      pattern: '^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$',
      maxLength: domainMax,
      description: `domain of the page that may fill the code in, at most ${domainMax} characters`,
    }),
  ),
})

const Keys = Type.Object({
  SEAL_KEYS: Type.String({
    pattern: keyRingPattern,
    description: 'opens challenges; `id:base64 of 32 bytes`, newest first, shared with the gateway',
  }),
  CHALLENGE_ID_KEY: Type.String({
    pattern: keyRingPattern,
    description: 'finds the shard in challenge ids; one `id:base64 of 32 bytes`, shared with the gateway',
  }),
})

const Carriers = Type.Object({
  NODE_ENV: Type.String({ default: 'production' }),
  SMS_PROVIDERS: Text('comma list of twilio, inbox; or none'),
  TWILIO_ACCOUNT_SID: Text('AC and 32 hex digits'),
  TWILIO_AUTH_TOKEN: Text('of the account'),
  TWILIO_PHONE_NUMBER: Text('our number, +15005550006'),
  TWILIO_MESSAGING_SERVICE_SID: Text('MG and 32 hex digits; instead of a number'),
  TWILIO_API_BASE_URL: Type.String({ default: 'https://api.twilio.com' }),
  PUBLIC_WORKER_URL: Text('where carriers reach this service'),
  TEST_NUMBERS: Text('development only: `+1234567890,+919876500000=123456`'),
})
type Carriers = Static<typeof Carriers>

const keyRules: readonly Rule<Static<typeof Keys>>[] = [
  (config) => [
    ...keyProblem('SEAL_KEYS', config.SEAL_KEYS),
    ...keyProblem('CHALLENGE_ID_KEY', config.CHALLENGE_ID_KEY),
  ],
  ({ CHALLENGE_ID_KEY }) =>
    CHALLENGE_ID_KEY.includes(',') ? ['CHALLENGE_ID_KEY takes one key: ids of another would not be found'] : [],
]

const carrierRules: readonly Rule<Carriers>[] = [
  shapes({
    TWILIO_ACCOUNT_SID: [/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hex digits'],
    TWILIO_MESSAGING_SERVICE_SID: [/^MG[0-9a-fA-F]{32}$/, 'MG and 32 hex digits'],
    TWILIO_PHONE_NUMBER: [phone, 'a number like +15005550006'],
    TWILIO_API_BASE_URL: [/^https?:\/\/[^/?#]+\/?$/, 'a URL without a path'],
    PUBLIC_WORKER_URL: [/^https?:\/\/[^?#]+$/, 'a URL'],
    TEST_NUMBERS: [
      /^\+\d{7,15}(=\d{4,10})?(,\+\d{7,15}(=\d{4,10})?)*$/,
      'a list like +1234567890,+919876500000=123456',
    ],
  }),
  providerProblems,
  ({ NODE_ENV, TEST_NUMBERS }) =>
    NODE_ENV !== 'development' && TEST_NUMBERS !== undefined
      ? ['TEST_NUMBERS is for development only: it lets anybody in']
      : [],
]

/** Everything the worker is told. */
export type WorkerConfig = Readonly<
  Static<typeof Environment> & Static<typeof Process> & Static<typeof Keys> & Omit<Carriers, 'NODE_ENV'>
>

/** Reads the environment. Throws ConfigError with every problem: each part is checked whatever is wrong with the others. */
export function loadWorkerConfig(env: NodeJS.ProcessEnv): WorkerConfig {
  const problems: string[] = []
  function part<T extends TObject>(schema: T, rules: readonly Rule<Static<T>>[] = []): Readonly<Static<T>> | undefined {
    try {
      return loadConfig(schema, env, rules)
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
  const environment = part(Environment)
  const process = part(Process)
  const keys = part(Keys, keyRules)
  const carriers = part(Carriers, carrierRules)
  if (environment === undefined || process === undefined || keys === undefined || carriers === undefined)
    throw new ConfigError(problems)
  return Object.freeze({ ...carriers, ...process, ...keys, ...environment })
}

/** The lanes in their order: as told, else every provider with credentials, else the inbox of development. */
export function providerNames(config: Pick<Carriers, 'SMS_PROVIDERS'> & Partial<Carriers>): string[] {
  if (config.SMS_PROVIDERS !== undefined) return config.SMS_PROVIDERS.split(',').map((name) => name.trim())
  if (twilioVariables.some((name) => config[name] !== undefined)) return ['twilio']
  return config.NODE_ENV === 'development' ? ['inbox'] : []
}

const twilioVariables = [
  'TWILIO_ACCOUNT_SID',
  'TWILIO_AUTH_TOKEN',
  'TWILIO_PHONE_NUMBER',
  'TWILIO_MESSAGING_SERVICE_SID',
] as const

function providerProblems(config: Carriers): string[] {
  const names = providerNames(config)
  const unknown = names.filter((name) => name !== 'twilio' && name !== 'inbox' && (name !== 'none' || names.length > 1))
  const problems = unknown.length === 0 ? [] : ['SMS_PROVIDERS may name twilio and inbox, or none alone']
  if (new Set(names).size !== names.length) problems.push('SMS_PROVIDERS names a provider twice')
  if (names.length === 0)
    problems.push('SMS_PROVIDERS is missing, and there are no credentials of any provider; `none` does without')
  if (names.includes('inbox') && config.NODE_ENV !== 'development')
    problems.push('SMS_PROVIDERS: the inbox is for development only')
  if (names.includes('twilio')) {
    for (const name of ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN'] as const)
      if (config[name] === undefined) problems.push(`${name} is missing`)
    if (config.TWILIO_PHONE_NUMBER === undefined && config.TWILIO_MESSAGING_SERVICE_SID === undefined)
      problems.push('TWILIO_PHONE_NUMBER or TWILIO_MESSAGING_SERVICE_SID is missing')
  }
  return problems
}

/** Shapes that are checked beside the rules, so that one round tells everything. Values are never quoted. */
function shapes(wanted: { readonly [Name in keyof Carriers]?: readonly [RegExp, string] }): Rule<Carriers> {
  return (config) =>
    Object.entries(wanted).flatMap(([name, [pattern, description]]) => {
      const value: unknown = Reflect.get(config, name)
      return typeof value !== 'string' || pattern.test(value) ? [] : [`${name} must be ${description}`]
    })
}

function keyProblem(name: string, text: string): string[] {
  try {
    parseKeyRing(text)
    return []
  } catch (error) {
    return [`${name} cannot be used: ${error instanceof Error ? error.message : 'it is malformed'}`]
  }
}
