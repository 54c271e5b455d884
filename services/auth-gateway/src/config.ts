import { type Rule, loadConfig } from '@latchkey/kit/config'
import { keyRingPattern, parseKeyRing } from '@latchkey/kit/key-ring'
import ipaddr from 'ipaddr.js'
import { type Static, Type } from 'typebox'
import { parseAccessKeys } from './access-token.js'

const Port = (standard: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: standard, description })
const Count = (standard: number, description: string) => Type.Integer({ minimum: 1, default: standard, description })
const KeyRing = (description: string) => Type.String({ pattern: keyRingPattern, description })

export const GatewayConfig = Type.Object({
  NODE_ENV: Type.Enum(['development', 'production'], {
    default: 'production',
    description: '`development` opens /dev and the inbox',
  }),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
  GATEWAY_PORT: Port(3000, 'where people and apps call'),
  GATEWAY_OPS_PORT: Port(9101, '/live, /ready and /metrics'),
  REDIS_URL: Type.String({ pattern: '^rediss?://', description: 'where challenges live: redis://host:port/database' }),
  QUEUE_REDIS_URL: Type.Optional(
    Type.String({ pattern: '^rediss?://', description: 'where the queues live; REDIS_URL where not set' }),
  ),
  USERS_URL: Type.String({ pattern: '^https?://', description: 'base URL of the users service' }),
  INTERNAL_SECRET: Type.String({ minLength: 32, description: 'shared by gateway and users, at least 32 characters' }),
  SEAL_KEYS: KeyRing('seals codes and phones in Redis; `id:base64 of 32 bytes`, newest first, shared with the worker'),
  CODE_KEYS: KeyRing('MACs of codes; `id:base64 of 32 bytes`, newest first'),
  CHALLENGE_ID_KEY: KeyRing('hides the shard in challenge ids; one `id:base64 of 32 bytes`, shared with the worker'),
  INDEX_KEY: KeyRing('names the counters of a phone; one `id:base64 of 32 bytes`'),
  ACCESS_TOKEN_KEYS: KeyRing('signs access tokens; `id:base64 of a P-256 PKCS#8 DER`, newest first'),
  TOKEN_ISSUER: Type.String({ minLength: 1, default: 'latchkey', description: '`iss` of access tokens' }),
  ACCESS_TOKEN_SECONDS: Count(600, 'life of an access token'),
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
  REQUESTS_PER_MINUTE: Count(600, 'requests of one address (IPv6: /64) a minute'),
  SEND_REQUESTS_PER_MINUTE: Count(30, 'requests of one address that ask for a message, a minute'),
  SMS_COUNTRIES: Type.Optional(
    Type.String({
      pattern: '^(\\*|[A-Z]{2}(,[A-Z]{2})*)$',
      description: 'countries that get messages: `IN,US`, or `*` for all; required in production',
    }),
  ),
  TEST_NUMBERS: Type.Optional(
    Type.String({
      pattern: '^(\\+\\d{7,15}(=\\d{4,10})?(,\\+\\d{7,15}(=\\d{4,10})?)*)?$',
      description: 'development only: `+1234567890,+919876500000=123456`',
    }),
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
})
export type GatewayConfig = Readonly<Static<typeof GatewayConfig>>

/** What holds between variables, or inside one, beyond its shape. */
const rules: readonly Rule<Static<typeof GatewayConfig>>[] = [
  (config) =>
    ['SEAL_KEYS', 'CODE_KEYS', 'CHALLENGE_ID_KEY', 'INDEX_KEY'].flatMap((name) =>
      problem(name, () => parseKeyRing(String(Reflect.get(config, name)))),
    ),
  ({ ACCESS_TOKEN_KEYS }) => problem('ACCESS_TOKEN_KEYS', () => parseAccessKeys(ACCESS_TOKEN_KEYS)),
  ({ TRUST_PROXY, EXEMPT_CLIENTS }) => [
    ...problem('TRUST_PROXY', () => list(TRUST_PROXY).map(readCidr)),
    ...problem('EXEMPT_CLIENTS', () => list(EXEMPT_CLIENTS).map(readCidr)),
  ],
  ({ NODE_ENV, SMS_COUNTRIES }) =>
    NODE_ENV === 'production' && SMS_COUNTRIES === undefined
      ? ['SMS_COUNTRIES is missing: name the countries that get messages; `*` is an open purse']
      : [],
  ({ NODE_ENV, TEST_NUMBERS }) =>
    NODE_ENV === 'production' && TEST_NUMBERS !== undefined
      ? ['TEST_NUMBERS is for development only: it lets anybody in']
      : [],
  (config) => sharedKeys(config),
]

/** The gateway's configuration. Throws ConfigError with every problem at once. */
export const loadGatewayConfig = (env: NodeJS.ProcessEnv): GatewayConfig => loadConfig(GatewayConfig, env, rules)

/** `a, b` → `['a', 'b']`; empty text is no entry. */
export const list = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

/** `10.0.0.0/8` or one address. Throws for anything else. */
export function readCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
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
function sharedKeys({ SEAL_KEYS, CODE_KEYS, CHALLENGE_ID_KEY, INDEX_KEY }: GatewayConfig): string[] {
  const secrets = [SEAL_KEYS, CODE_KEYS, CHALLENGE_ID_KEY, INDEX_KEY]
    .flatMap(list)
    .map((key) => key.slice(key.indexOf(':') + 1))
  return new Set(secrets).size === secrets.length
    ? []
    : ['SEAL_KEYS, CODE_KEYS, CHALLENGE_ID_KEY and INDEX_KEY must all be different keys']
}
