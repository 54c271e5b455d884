import { sandboxLanes } from '@latchkey/contracts/dev/ailments'
import { languages, languagesPattern, type MessageLanguages, parseLanguages } from '@latchkey/contracts/v1/languages'
import { Collector, ConfigError, loadConfig, type Rule } from '@latchkey/kit/config'
import { keyPattern, keyRingPattern, parseKeyRing } from '@latchkey/kit/key-ring'
import { keyProblems } from '@latchkey/kit/key-strength'
import { RedisUrl, redisUrlProblems } from '@latchkey/kit/redis-url'
import { type Static, type TObject, Type } from 'typebox'
import { carriers } from './carriers.js'
import { brandMax, domainMax, pagesUrlMax } from './messages/render.js'
import { Mail, mailOf, mailRules } from './mail-config.js'
import type { Told, Variable } from './providers/provider.js'
import type { MailServer } from './providers/smtp.js'
import { parsePace, parseRoutes, type Route } from './routing/routes.js'

const Port = (standard: number, description: string) =>
  Type.Integer({ minimum: 1, maximum: 65_535, default: standard, description })
const Text = (description: string) => Type.Optional(Type.String({ description }))

const Environment = Type.Object({
  NODE_ENV: Type.Enum(['development', 'production'], {
    default: 'production',
    description: '`development` opens the inbox and the test numbers',
  }),
})

const Process = Type.Object({
  OTEL_EXPORTER_OTLP_ENDPOINT: Collector(),
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'], {
    default: 'info',
    description: 'least severe level that is logged',
  }),
  WORKER_PORT: Port(3002, 'where carriers call'),
  WORKER_OPS_PORT: Port(9103, '/live, /ready, /metrics and, with BOARD_PASSWORD, /board'),
  BOARD_PASSWORD: Type.Optional(
    Type.String({ pattern: '^[\\x21-\\x7e]{16,200}$', description: 'at least 16 characters without spaces' }),
  ),
  BOARD_USER: Type.String({ pattern: '^[\\w.-]{1,64}$', default: 'board', description: 'letters, digits, . _ -' }),
  BOARD_WRITES: Type.Enum(['on', 'off'], {
    default: 'off',
    description: 'whether the dashboard may do more than show',
  }),
  WORKER_CONCURRENCY: Type.Integer({ minimum: 1, maximum: 1_000, default: 200, description: 'jobs in hand at once' }),
  REDIS_URL: RedisUrl('where challenges live: redis://host:port/database'),
  QUEUE_REDIS_URL: Type.Optional(RedisUrl('where the queues live; REDIS_URL where not set')),
  BRAND_NAME: Type.String({
    pattern: `^[A-Za-z0-9 .,&'()+!-]{1,${brandMax}}$`,
    default: 'Latchkey',
    description: `begins every message: at most ${brandMax} plain letters, digits, spaces and .,&'()+!-`,
  }),
  MESSAGE_LANGUAGES: Type.String({
    pattern: languagesPattern,
    default: languages.join(','),
    description: `languages of messages, of ${languages.join(', ')}; the first is for whoever asks for none of them`,
  }),
  WEBOTP_DOMAIN: Type.Optional(
    Type.String({
      pattern: '^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$',
      maxLength: domainMax,
      description: `domain of the page that may fill the code in, at most ${domainMax} characters`,
    }),
  ),
  PAGES_URL: Type.Optional(
    Type.String({
      pattern: '^(https://[a-z0-9.-]+|http://(localhost|127\\.0\\.0\\.1))(:[0-9]{1,5})?$',
      maxLength: pagesUrlMax,
      description: `where people reach the hosted pages: https:// and a name, at most ${pagesUrlMax} characters`,
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
  OPT_OUT_KEY: Type.String({
    pattern: keyPattern,
    description:
      'names the numbers that are not to be texted, so that none stands anywhere; one `id:base64 of 32 bytes`',
  }),
})

/** What SMS_PROVIDERS may name. */
const known: readonly string[] = [...carriers.map(({ name }) => name), ...sandboxLanes]

const Sending = Type.Object({
  NODE_ENV: Type.String({ default: 'production' }),
  SMS_PROVIDERS: Text(`comma list of ${known.join(', ')}; or none`),
  SMS_ROUTES: Text('who is sent through which lanes: `IN: messagecentral > twilio; *: twilio`'),
  SMS_PACE: Text('messages a second of lanes: `twilio 50, messagecentral 20`'),
  PUBLIC_WORKER_URL: Text('where carriers reach this service'),
  TEST_NUMBERS: Text('development only: `+1234567890,+919876500000=123456`'),
})
type Sending = Static<typeof Sending>

const told = Object.assign({}, ...carriers.map(({ variables }) => variables)) as Readonly<Record<string, Variable>>
const Words = Type.Object(
  Object.fromEntries(
    Object.entries(told).map(([name, { wanted, standard }]) => [
      name,
      Type.Optional(Type.String({ description: wanted, ...(standard !== undefined && { default: standard }) })),
    ]),
  ),
)

const processRules: readonly Rule<Static<typeof Process>>[] = [
  ({ REDIS_URL, QUEUE_REDIS_URL }) => redisUrlProblems({ REDIS_URL, QUEUE_REDIS_URL }),
]

const keyRules: readonly Rule<Static<typeof Keys>>[] = [
  (config) => [
    ...keyProblem('SEAL_KEYS', config.SEAL_KEYS),
    ...keyProblem('CHALLENGE_ID_KEY', config.CHALLENGE_ID_KEY),
    ...keyProblem('OPT_OUT_KEY', config.OPT_OUT_KEY),
  ],
  ({ CHALLENGE_ID_KEY }) =>
    CHALLENGE_ID_KEY.includes(',') ? ['CHALLENGE_ID_KEY takes one key: ids of another would not be found'] : [],
  ({ SEAL_KEYS, CHALLENGE_ID_KEY, OPT_OUT_KEY }) => keyProblems({ SEAL_KEYS, CHALLENGE_ID_KEY, OPT_OUT_KEY }),
]

const sendingRules: readonly Rule<Sending>[] = [
  shapes({
    PUBLIC_WORKER_URL: { pattern: /^https?:\/\/[^?#]+$/, wanted: 'a URL' },
    TEST_NUMBERS: {
      pattern: /^\+\d{7,15}(=\d{4,10})?(,\+\d{7,15}(=\d{4,10})?)*$/,
      wanted: 'a list like +1234567890,+919876500000=123456',
    },
  }),
  ({ NODE_ENV, TEST_NUMBERS }) =>
    NODE_ENV !== 'development' && TEST_NUMBERS !== undefined
      ? ['TEST_NUMBERS is for development only: it lets anybody in']
      : [],
]

/** Everything the worker is told. */
export type WorkerConfig = Readonly<
  Static<typeof Environment> &
    Static<typeof Process> &
    Static<typeof Keys> &
    Omit<Sending, 'NODE_ENV'> & {
      /** The lanes, in the order in which they are tried where nothing else is said. */
      readonly providers: readonly string[]
      readonly routes: readonly Route[]
      /** Messages a second, of lanes that have a pace. */
      readonly pace: ReadonlyMap<string, number>
      /** Where mail is handed in, if anywhere. */
      readonly mail: MailServer | undefined
      /** What the carriers' own variables say. */
      readonly told: Told
      readonly languages: MessageLanguages
    }
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
  const process = part(Process, processRules)
  const keys = part(Keys, keyRules)
  const words = texts(part<TObject>(Words) ?? {})
  problems.push(...shapes(told)(words))
  const mail = part(Mail, mailRules)
  const sending = part(Sending, [
    ...sendingRules,
    (config) => providerProblems(providerNames(config, words), config, words),
  ])
  if (
    environment === undefined ||
    process === undefined ||
    keys === undefined ||
    sending === undefined ||
    mail === undefined ||
    problems.length > 0
  )
    throw new ConfigError(problems)
  const providers = providerNames(sending, words)
  const { routes } = parseRoutes(sending.SMS_ROUTES, providers)
  const { pace } = parsePace(sending.SMS_PACE, providers)
  const languages = parseLanguages(process.MESSAGE_LANGUAGES)
  const lists = { languages, providers, routes, pace, mail: mailOf(mail), told: words }
  return Object.freeze({ ...sending, ...process, ...keys, ...environment, ...lists })
}

const texts = (values: object): Told =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))

/** The lanes in their order: as told, else every carrier with credentials, else those of development. */
function providerNames({ SMS_PROVIDERS, NODE_ENV }: Sending, words: Told): string[] {
  if (SMS_PROVIDERS !== undefined) return SMS_PROVIDERS.split(',').map((name) => name.trim())
  const wanted = carriers.filter(({ credentials }) => credentials.some((name) => words[name] !== undefined))
  if (wanted.length > 0) return wanted.map(({ name }) => name)
  return NODE_ENV === 'development' ? [...sandboxLanes] : []
}

function providerProblems(names: readonly string[], sending: Sending, words: Told): string[] {
  const { NODE_ENV } = sending
  const unknown = names.filter((name) => !known.includes(name) && (name !== 'none' || names.length > 1))
  const problems = unknown.length === 0 ? [] : [`SMS_PROVIDERS may name ${known.join(', ')}, or none alone`]
  if (new Set(names).size !== names.length) problems.push('SMS_PROVIDERS names a provider twice')
  if (names.length === 0)
    problems.push('SMS_PROVIDERS is missing, and there are no credentials of any provider; `none` does without')
  if (sandboxLanes.some((name) => names.includes(name)) && NODE_ENV !== 'development')
    problems.push(`SMS_PROVIDERS: ${sandboxLanes.join(' and ')} are for development only`)
  const { SMS_ROUTES, SMS_PACE } = sending
  problems.push(...parseRoutes(SMS_ROUTES, names).problems, ...parsePace(SMS_PACE, names).problems)
  return [...problems, ...carriers.flatMap(({ name, missing }) => (names.includes(name) ? missing(words) : []))]
}

/** Shapes that are checked beside the rules, so that one round tells everything. Values are never quoted. */
function shapes(wanted: Readonly<Record<string, Variable>>): Rule<object> {
  return (config) =>
    Object.entries(wanted).flatMap(([name, { pattern, wanted: description }]) => {
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
