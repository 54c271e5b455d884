import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { languages, languagesPattern } from '@latchkey/contracts/v1/languages'
import { Collector, ConfigError, type Rule, loadConfig } from '@latchkey/kit/config'
import { keyProblems } from '@latchkey/kit/key-strength'
import { keyPattern, keyRingPattern, parseKeyRing, parseSealKeys } from '@latchkey/kit/key-ring'
import { RedisUrl, redisUrlProblems } from '@latchkey/kit/redis-url'
import ipaddr from 'ipaddr.js'
import { type Static, Type } from 'typebox'
import { parseAccessKeys } from './access-token.js'
import { type DialectsConfig, loadDialects, longestAccessTokenSeconds } from './dialects-config.js'
import { dialects } from './http/dialects.js'
import { isPicture } from './http/pages.js'
import { createCheckProfile } from './profile-schema.js'
import { smsGuardRules, smsGuardVariables } from './sms-guard-config.js'

const Port = (standard: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: standard, description })
const Count = (standard: number, description: string) => Type.Integer({ minimum: 1, default: standard, description })
const KeyRing = (description: string) => Type.String({ pattern: keyRingPattern, description })
const OneKey = (description: string) => Type.String({ pattern: keyPattern, description })

export const GatewayConfig = Type.Object({
  NODE_ENV: Type.Enum(['development', 'production'], {
    default: 'production',
    description: '`development` opens /dev and the inbox',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Collector(),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
  GATEWAY_PORT: Port(3000, 'where people and apps call'),
  GATEWAY_OPS_PORT: Port(9101, '/live, /ready and /metrics'),
  REDIS_URL: RedisUrl('where challenges live: redis://host:port/database'),
  QUEUE_REDIS_URL: Type.Optional(RedisUrl('where the queues live; REDIS_URL where not set')),
  USERS_URL: Type.String({ pattern: '^https?://', description: 'base URL of the users service' }),
  INTERNAL_SECRET: Type.String({
    pattern: '^\\S{32,}$',
    description: 'shared by gateway and users, at least 32 characters',
  }),
  SEAL_KEYS: KeyRing('seals codes and phones in Redis; `id:base64 of 32 bytes`, newest first, shared with the worker'),
  CODE_KEYS: KeyRing('MACs of codes; `id:base64 of 32 bytes`, newest first'),
  CHALLENGE_ID_KEY: OneKey('hides the shard in challenge ids; one `id:base64 of 32 bytes`, shared with the worker'),
  INDEX_KEY: OneKey('names the counters of a phone; one `id:base64 of 32 bytes`'),
  TRACE_KEY: OneKey('names phones in the trace; one `id:base64 of 32 bytes`, shared with users'),
  ACCESS_TOKEN_KEYS: KeyRing('signs access tokens; `id:base64 of a P-256 PKCS#8 DER`, newest first'),
  TOKEN_ISSUER: Type.String({ minLength: 1, default: 'latchkey', description: '`iss` of access tokens' }),
  ACCESS_TOKEN_SECONDS: Type.Integer({
    minimum: 1,
    maximum: longestAccessTokenSeconds,
    default: 600,
    description: 'life of an access token, 7 days at most',
  }),
  MAIL_FROM: Type.Optional(Type.String({ minLength: 3, description: 'who mail is from; none: no mail is sent' })),
  CODE_DIGITS: Type.Integer({ minimum: 6, maximum: 10, default: 6, description: 'digits of a code' }),
  CODE_LIFE_SECONDS: Type.Integer({ minimum: 30, maximum: 3_600, default: 300, description: 'life of a code' }),
  CODE_ATTEMPTS: Type.Integer({ minimum: 1, maximum: 10, default: 5, description: 'wrong answers a challenge takes' }),
  RESENDS: Type.Integer({ minimum: 0, maximum: 10, default: 4, description: 'resends of one challenge' }),
  SEND_COOLDOWNS_SECONDS: Type.String({
    pattern: '^\\d+(,\\d+)*$',
    default: '30,60,120,300',
    description: 'waits after the first, second, … send of one purpose to one phone',
  }),
  SENDS_PER_HOUR: Count(6, 'messages to one phone an hour, over all purposes'),
  SENDS_PER_DAY: Count(12, 'messages to one phone a day, over all purposes'),
  WRONG_PER_HOUR: Count(10, 'wrong answers for one phone an hour, over all purposes'),
  WRONG_PER_DAY: Count(25, 'wrong answers for one phone a day, over all purposes'),
  WRONG_PASSWORDS_PER_DAY: Count(20, 'wrong passwords for one account a day before each has to wait'),
  WRONG_PASSWORD_WAITS_SECONDS: Type.String({
    pattern: '^[1-9]\\d{0,4}(,[1-9]\\d{0,4})*$',
    default: '30,60,120,300,900,3600',
    description: 'waits after the first, second, … wrong password past those, a day at most',
  }),
  WRONG_PER_NETWORK_PER_HOUR: Count(300, 'wrong answers and passwords of one address (IPv6: /64) an hour, at whatever'),
  WRONG_PER_NETWORK_PER_DAY: Count(1_500, 'wrong answers and passwords of one address a day'),
  REQUESTS_PER_MINUTE: Count(600, 'requests of one address (IPv6: /64) a minute'),
  SEND_REQUESTS_PER_MINUTE: Count(30, 'requests of one address that ask for a message, a minute'),
  CONFLICTS_PER_HOUR: Count(10, 'how often one address is told an hour that something is taken, by APIs that tell it'),
  SMS_PROVIDERS: Type.Optional(
    Type.String({ description: 'as the worker has it; `none` where no carrier is to be had: nothing can be sent' }),
  ),
  MESSAGE_LANGUAGES: Type.String({
    pattern: languagesPattern,
    default: languages.join(','),
    description: `languages of messages, of ${languages.join(', ')}; the first is for whoever asks for none of them`,
  }),
  ...smsGuardVariables,
  TEST_NUMBERS: Type.Optional(
    Type.String({
      pattern: '^(\\+\\d{7,15}(=\\d{4,10})?(,\\+\\d{7,15}(=\\d{4,10})?)*)?$',
      description: 'development only: `+1234567890,+919876500000=123456`',
    }),
  ),
  EXPOSE_OTP: Type.Enum(['true', 'false'], {
    default: 'false',
    description: 'development only: an API whose document shows the code shows it',
  }),
  DIALECTS: Type.Optional(
    Type.String({ description: 'documented APIs that are spoken; all in development, none in production' }),
  ),
  ROOT_DIALECT: Type.Optional(Type.String({ description: 'the one whose /api stands at the root too' })),
  MESSAGECENTRAL_COUNTRY_CODE: Type.String({
    pattern: '^[1-9]\\d{0,2}$',
    default: '91',
    description: 'calling code of numbers that `staged` gets without one',
  }),
  JODIMILAN_USER_KEY: Type.Optional(
    Type.String({ description: 'seals `data.user` of `jodimilan`; base64 of 32 bytes, shared with its front ends' }),
  ),
  TRUST_PROXY: Type.String({ default: '', description: 'CIDR list of proxies whose X-Forwarded-For counts' }),
  EXEMPT_CLIENTS: Type.String({
    default: '',
    description: 'CIDR list of callers that limits per address do not count',
  }),
  CORS_ORIGINS: Type.String({
    default: '',
    description: 'origins of browsers that may call: `https://app.example.com,…`',
  }),
  SIGNUP_ROLES: Type.String({
    pattern: '^[a-z][a-z0-9_-]*(,[a-z][a-z0-9_-]*)*$',
    default: 'user,tenant,landlord,owner,customer',
    description: 'roles a person may choose; the first is the default',
  }),
  PAGES_DIR: Type.Optional(
    Type.String({ description: 'folder of the built hosted pages, served at /; `none` or not set: no pages' }),
  ),
  BRAND_NAME: Type.String({ minLength: 1, default: 'Latchkey', description: 'whose pages these are' }),
  BRAND_COLOR: Type.String({
    pattern: '^#[0-9a-fA-F]{6}$',
    default: '#3355dd',
    description: 'accent colour of the hosted pages, `#rrggbb`',
  }),
  BRAND_LOGO: Type.Optional(Type.String({ description: 'picture file (SVG, PNG or WebP) shown on the hosted pages' })),
  PROFILE_SCHEMA: Type.Optional(
    Type.String({ description: 'JSON Schema (2020-12) that a `profile` given on /v1 must keep; any object without' }),
  ),
})
export type GatewayConfig = Readonly<Static<typeof GatewayConfig>> & { readonly dialects: DialectsConfig }

/** What holds between variables, or inside one, beyond its shape. */
const rules: readonly Rule<Static<typeof GatewayConfig>>[] = [
  ({ REDIS_URL, QUEUE_REDIS_URL }) => redisUrlProblems({ REDIS_URL, QUEUE_REDIS_URL }),
  ({ SEAL_KEYS }) => problem('SEAL_KEYS', () => parseSealKeys(SEAL_KEYS)),
  ({ CODE_KEYS }) => problem('CODE_KEYS', () => parseKeyRing(CODE_KEYS)),
  ({ CHALLENGE_ID_KEY }) => problem('CHALLENGE_ID_KEY', () => parseKeyRing(CHALLENGE_ID_KEY)),
  ({ INDEX_KEY }) => problem('INDEX_KEY', () => parseKeyRing(INDEX_KEY)),
  ({ TRACE_KEY }) => problem('TRACE_KEY', () => parseKeyRing(TRACE_KEY)),
  ({ ACCESS_TOKEN_KEYS }) => problem('ACCESS_TOKEN_KEYS', () => parseAccessKeys(ACCESS_TOKEN_KEYS)),
  ({ TRUST_PROXY, EXEMPT_CLIENTS }) => [
    ...problem('TRUST_PROXY', () => list(TRUST_PROXY).map(readProxy)),
    ...problem('EXEMPT_CLIENTS', () => list(EXEMPT_CLIENTS).map(readCidr)),
  ],
  ({ CORS_ORIGINS }) =>
    list(CORS_ORIGINS).flatMap((origin) =>
      isOrigin(origin) ? [] : ['CORS_ORIGINS must name origins, like https://app.example.com'],
    ),
  ({ USERS_URL }) => (isOrigin(USERS_URL) ? [] : ['USERS_URL must be an origin, like http://users:3001']),
  ({ GATEWAY_PORT, GATEWAY_OPS_PORT }) =>
    GATEWAY_PORT === GATEWAY_OPS_PORT ? ['GATEWAY_PORT and GATEWAY_OPS_PORT are the same port'] : [],
  ({ SEND_COOLDOWNS_SECONDS }) =>
    list(SEND_COOLDOWNS_SECONDS).some((seconds) => Number(seconds) > 3_600)
      ? ['SEND_COOLDOWNS_SECONDS has a wait over an hour; an hour without a send forgets it']
      : [],
  ({ WRONG_PASSWORD_WAITS_SECONDS }) =>
    list(WRONG_PASSWORD_WAITS_SECONDS).some((seconds) => Number(seconds) > 86_400)
      ? ['WRONG_PASSWORD_WAITS_SECONDS has a wait over a day; a day later wrong passwords are forgotten']
      : [],
  ({ NODE_ENV, TEST_NUMBERS }) =>
    NODE_ENV === 'production' && TEST_NUMBERS !== undefined
      ? ['TEST_NUMBERS is for development only: it lets anybody in']
      : [],
  ({ NODE_ENV, EXPOSE_OTP }) =>
    NODE_ENV === 'production' && EXPOSE_OTP === 'true'
      ? ['EXPOSE_OTP is for development only: it gives codes to whoever asks for them']
      : [],
  ({ JODIMILAN_USER_KEY }) =>
    JODIMILAN_USER_KEY !== undefined && readUserKey(JODIMILAN_USER_KEY).length !== 32
      ? ['JODIMILAN_USER_KEY must be the base64 of 32 bytes']
      : [],
  ({ SIGNUP_ROLES }) =>
    list(SIGNUP_ROLES).includes('admin')
      ? ['SIGNUP_ROLES offers admin, which opens what operators do: give it with `npm run admin -- create`']
      : [],
  ({ PAGES_DIR = 'none' }) =>
    PAGES_DIR === 'none' || existsSync(join(PAGES_DIR, 'index.html'))
      ? []
      : ['PAGES_DIR holds no built pages: `npm run build` makes them in services/web/dist/site'],
  ({ BRAND_LOGO }) =>
    BRAND_LOGO === undefined || (isPicture(BRAND_LOGO) && existsSync(BRAND_LOGO))
      ? []
      : ['BRAND_LOGO must be the path of an SVG, PNG or WebP file'],
  ({ PROFILE_SCHEMA }) => problem('PROFILE_SCHEMA', () => createCheckProfile(PROFILE_SCHEMA)),
  ...smsGuardRules,
  (config) => sharedKeys(config),
]

/** The gateway's configuration. Throws ConfigError with every problem at once. */
export function loadGatewayConfig(env: NodeJS.ProcessEnv): GatewayConfig {
  const problems: string[] = []
  const part = <T>(load: () => T): T | undefined => {
    try {
      return load()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
      return undefined
    }
  }
  const config = part(() => loadConfig(GatewayConfig, env, rules))
  const spoken = part(() => loadDialects(env, dialects))
  const sealsUsers = spoken?.mounted.some(({ name }) => name === 'jodimilan') ?? false
  if (sealsUsers && config !== undefined && config.JODIMILAN_USER_KEY === undefined)
    problems.push('JODIMILAN_USER_KEY is missing: jodimilan, which is in DIALECTS, seals what it tells of a person')
  if (config === undefined || spoken === undefined || problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...config, dialects: spoken })
}

/** The bytes of a key that stands alone, without an id. */
export const readUserKey = (text: string): Buffer => Buffer.from(text, 'base64')

/** `a, b` → `['a', 'b']`; empty text is no entry. */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** `10.0.0.0/8` or one address, IPv4 where it is a mapped one. Throws for anything else. */
export function readCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [host = '', length] = text.split('/', 2)
  if (!ipaddr.IPv4.isValidFourPartDecimal(host) && !ipaddr.IPv6.isValid(host))
    throw new Error('an entry is no address or network')
  const address = ipaddr.parse(host)
  const [, bits] = length === undefined ? [address, address.kind() === 'ipv4' ? 32 : 128] : ipaddr.parseCIDR(text)
  const mapped = address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress() && bits >= 96
  return mapped ? [(address as ipaddr.IPv6).toIPv4Address(), bits - 96] : [address, bits]
}

/** Whoever is trusted may say who the caller is; to trust everybody is to believe everybody. */
function readProxy(text: string): void {
  const [, bits] = readCidr(text)
  if (bits === 0) throw new Error('a network of all addresses would believe any caller; name your proxies')
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

function problem(name: string, read: () => unknown): string[] {
  try {
    read()
    return []
  } catch (error) {
    return [`${name} cannot be used: ${error instanceof Error ? error.message : 'it is malformed'}`]
  }
}

/** One key for two jobs lets an output of one be an input of the other. */
const sharedKeys = (config: Static<typeof GatewayConfig>): string[] => {
  const { SEAL_KEYS, CODE_KEYS, CHALLENGE_ID_KEY, INDEX_KEY, TRACE_KEY, ACCESS_TOKEN_KEYS } = config
  const { INTERNAL_SECRET, JODIMILAN_USER_KEY } = config
  const rings = { SEAL_KEYS, CODE_KEYS, CHALLENGE_ID_KEY, INDEX_KEY, TRACE_KEY, ACCESS_TOKEN_KEYS }
  return keyProblems(
    { ...rings, INTERNAL_SECRET, JODIMILAN_USER_KEY },
    { bare: ['INTERNAL_SECRET', 'JODIMILAN_USER_KEY'] },
  )
}
