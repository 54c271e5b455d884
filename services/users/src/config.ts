import { type Key, type KeyRing, keyPattern, keyRingPattern, parseKeyRing } from '@latchkey/kit/key-ring'
import { readSmsPrices } from '@latchkey/contracts/sms-prices'
import { Collector, type Rule } from '@latchkey/kit/config'
import { keyProblems } from '@latchkey/kit/key-strength'
import { RedisUrl, redisUrlProblems } from '@latchkey/kit/redis-url'
import { type Static, Type } from 'typebox'

const Port = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: 65_535, description })

/** What users reads from its environment. */
export const UsersConfig = Type.Object({
  NODE_ENV: Type.Enum(['production', 'development'], {
    default: 'production',
    description: 'production or development',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Collector(),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
    description: 'trace, debug, info, warn, error, fatal or silent',
  }),
  USERS_PORT: Port(3001, 'the port the gateway calls'),
  USERS_OPS_PORT: Port(9102, 'the port of /live, /ready and /metrics'),
  DATABASE_URL: Type.String({
    pattern: '^postgres(ql)?://',
    description: 'where people are kept, e.g. postgres://user:password@host:5432/latchkey',
  }),
  DATABASE_DIRECT_URL: Type.Optional(
    Type.String({
      pattern: '^postgres(ql)?://',
      description: 'the database itself, where DATABASE_URL is a pooler that lends a session for one transaction',
    }),
  ),
  REDIS_URL: RedisUrl('e.g. redis://host:6379'),
  QUEUE_REDIS_URL: Type.Optional(RedisUrl('the Redis of the queues; REDIS_URL where it is left out')),
  INTERNAL_SECRET: Type.String({
    minLength: 32,
    description: 'what the gateway proves itself with, at least 32 characters, the same there',
  }),
  TOKEN_KEYS: Type.String({
    pattern: keyRingPattern,
    description: 'keys of refresh, device and reset tokens as id:base64,id:base64, newest first, 32 bytes each',
  }),
  TRACE_KEY: Type.String({
    pattern: keyPattern,
    description: 'names phones in the trace; one `id:base64 of 32 bytes`, the same at the gateway',
  }),
  SMS_PRICES: Type.String({
    default: '',
    description: 'what carriers take: `twilio IN 0.0079 USD; twilio * 0.05 USD`',
  }),
  DELIVERY_LOG_DAYS: Type.Integer({
    default: 90,
    minimum: 8,
    maximum: 3_650,
    description: 'how long what became of each message is kept, in days; the figures of its days stay',
  }),
  TRACE_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 90,
    description: 'how long what the gateway decided about each code is kept, in days',
  }),
})
export type UsersConfig = Static<typeof UsersConfig>

/** What no pattern can say. */
export const usersRules: readonly Rule<UsersConfig>[] = [
  ({ REDIS_URL, QUEUE_REDIS_URL }) => redisUrlProblems({ REDIS_URL, QUEUE_REDIS_URL }),
  ({ TOKEN_KEYS, TRACE_KEY }) =>
    Object.entries({ TOKEN_KEYS, TRACE_KEY }).flatMap(([name, text]) => {
      try {
        parseKeyRing(text)
        return []
      } catch (error) {
        return [`${name} cannot be used: ${error instanceof Error ? error.message : 'malformed'}`]
      }
    }),
  ({ SMS_PRICES }) => {
    try {
      readSmsPrices(SMS_PRICES)
      return []
    } catch (error) {
      return [`SMS_PRICES cannot be used: ${error instanceof Error ? error.message : 'malformed'}`]
    }
  },
  ({ TOKEN_KEYS, TRACE_KEY, INTERNAL_SECRET }) =>
    keyProblems({ TOKEN_KEYS, TRACE_KEY, INTERNAL_SECRET }, { bare: ['INTERNAL_SECRET'] }),
]

/** The ring of TOKEN_KEYS. */
export const tokenRing = ({ TOKEN_KEYS }: Pick<UsersConfig, 'TOKEN_KEYS'>): KeyRing => parseKeyRing(TOKEN_KEYS)

/** The key of TRACE_KEY. */
export const traceKey = ({ TRACE_KEY }: Pick<UsersConfig, 'TRACE_KEY'>): Key => parseKeyRing(TRACE_KEY)[0]
