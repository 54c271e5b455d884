import { parseLanguages } from '@latchkey/contracts/v1/languages'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { smsQueue } from '@latchkey/contracts/queues/sms'
import { traceQueue } from '@latchkey/contracts/queues/trace'
import { listenHost } from '@latchkey/kit/http'
import { AppError } from '@latchkey/kit/app-error'
import { hmac, parseKeyRing, parseSealKeys } from '@latchkey/kit/key-ring'
import { startOps } from '@latchkey/kit/ops'
import { createProducer } from '@latchkey/kit/queue'
import { countWaiting } from '@latchkey/kit/queue-age'
import { createRedis, createRedisMetrics, guardRedis, orUnavailable } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import { createSealer } from '@latchkey/kit/seal'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { parseAccessKeys } from './access-token.js'
import { createConversion } from './abuse/conversion.js'
import { createDayBudget } from './abuse/day-budget.js'
import { createGuessBudgets, type GuessLimits } from './abuse/guess-budgets.js'
import { createSmsBudget } from './abuse/sms-budget.js'
import type { AppDeps } from './app.js'
import { nobodyBehind } from './challenges/address-decoys.js'
import { guessesInCallersTime, inCallersTime } from './challenges/callers-time.js'
import type { Channel } from './challenges/challenge.js'
import { type ChallengeKeys, createChallengeKeys } from './challenges/challenge-keys.js'
import type { ScriptOptions } from './challenges/challenge-scripts.js'
import { createChallengeSecrets } from './challenges/challenge-secrets.js'
import { countedChallenges } from './challenges/counted-challenges.js'
import { createChallengeStore, newCode } from './challenges/challenge-store.js'
import { type GatewayConfig, list, readCidr, readUserKey } from './config.js'
import { createDevMailbox } from './dev-mailbox.js'
import { createDevPhone } from './dev/phone.js'
import { createFlows } from './flows/flows.js'
import { facePolicy } from './flows/policy.js'
import type { SmsQueue } from './flows/ports.js'
import { hostedPages } from './hosted-pages.js'
import { dialects } from './http/dialects.js'
import { createReadPhone } from './phones/canonical-phone.js'
import { createCheckProfile } from './profile-schema.js'
import { smsGuard } from './sms-guard-config.js'
import { createSmsQueue } from './sms-queue.js'
import { createSmsSwitches, type SmsSwitches } from './sms-switches.js'
import { duringRequest } from './trace/request-in-hand.js'
import { createTrace } from './trace/trace.js'
import { tracedBudget, tracedChallenges, tracedPhones, tracedSms, tracedStops } from './trace/traced.js'
import { createUsersClient } from './users-client.js'

/** The one file that knows which implementation stands behind each port. */
export async function createDeps(
  config: GatewayConfig,
  { scope, log, metrics }: { scope: Scope; log: Logger; metrics: Registry },
): Promise<Omit<AppDeps, 'log' | 'metrics'>> {
  const development = config.NODE_ENV === 'development'
  const observeRedis = createRedisMetrics(metrics)
  const connect = (name: string, url: string) => {
    const redis = createRedis(url, { log, name, patience: 'request' })
    scope.defer(name, () => redis.disconnect())
    const guard = guardRedis(redis, { name, appendOnly: !development, refuse: scope.fail, observe: observeRedis })
    scope.defer(`${name} guard`, guard.close)
    return { redis, check: guard.check }
  }
  const { redis, check } = connect('redis', config.REDIS_URL)
  const queueUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL
  const queueRedis = connect('queue redis', queueUrl)
  const queueCheck = { queueRedis: queueRedis.check }
  // Whoever has a password, a session or a code in hand needs no queue: where it has a Redis of its own, this gateway stays in service without.
  const split = queueUrl !== config.REDIS_URL
  const users = createUsersClient({
    url: config.USERS_URL,
    secret: config.INTERNAL_SECRET,
    timeoutMs: 1_800,
    log,
    metrics,
  })
  scope.defer('users client', users.close)
  const producer = createProducer(smsQueue, { redis: queueRedis.redis, prefix: queuePrefix, log })
  scope.defer('sms queue', producer.close)
  const traces = createProducer(traceQueue, { redis: queueRedis.redis, prefix: queuePrefix, log, keepFinished: false })
  scope.defer('trace queue', traces.close)
  const trace = createTrace({
    events: traces,
    countWaiting: () => orUnavailable(() => countWaiting(traceQueue, queueRedis.redis, queuePrefix)),
    key: parseKeyRing(config.TRACE_KEY)[0],
    metrics,
  })
  scope.defer('trace', trace.close)
  const ops = await startOps({
    host: listenHost(config.NODE_ENV),
    port: config.GATEWAY_OPS_PORT,
    log,
    metrics,
    checks: { redis: check, users: users.check, ...(!split && queueCheck) },
    notes: split ? queueCheck : {},
    started: scope.started,
  })
  scope.defer('ops', ops.close)

  const sealer = createSealer(parseSealKeys(config.SEAL_KEYS))
  const clock = { offsetMs: 0 }
  const tests = testNumbers(config)
  const canSend = config.SMS_PROVIDERS?.trim() !== 'none'
  const canMail = development || config.MAIL_FROM !== undefined
  const stored = { redis, keys: challengeKeys(config), clockOffsetMs: () => clock.offsetMs }
  const switches = createSmsSwitches({ redis: queueRedis.redis, prefix: queuePrefix, metrics })
  const patient = () => createRedis(config.REDIS_URL, { log, name: 'redis of the feed', patience: 'consumer' })
  const phone = development ? createDevPhone({ redis, patient, sealer, scope, log, prefix: queuePrefix }) : undefined
  const sms = createSmsQueue(producer)
  const flows = createFlows({
    users,
    challenges: tracedChallenges(countedChallenges(createStore(config, stored, sealer), metrics), trace),
    guesses: createGuesses(config, stored, metrics),
    smsBudget: tracedBudget(createGuard(config, { ...stored, switches, log, metrics }), trace),
    refuseStopped: tracedStops(switches.refuseStopped, trace),
    sms: tracedSms(withChannels(phone?.watched(sms) ?? sms, { sms: canSend, email: canMail }), trace),
    readPhone: tracedPhones(
      createReadPhone({
        countries: countries(config),
        testNumbers: tests,
        onRefused: (text, limit) => trace.note({ kind: 'refused', about: [text], limit, once: [text, limit, today()] }),
      }),
    ),
    numbers: {
      limited: (address) => !tests.has(address),
      codeFor: (address, digits) => tests.get(address) ?? newCode(digits),
    },
    checkProfile: createCheckProfile(config.PROFILE_SCHEMA),
    nobodyBehind,
    newCode,
    signUpRoles: list(config.SIGNUP_ROLES),
    canSend,
    canMail,
    exposeCodes: config.EXPOSE_OTP === 'true',
  })
  return {
    flows,
    accessKeys: parseAccessKeys(config.ACCESS_TOKEN_KEYS),
    accessToken: { issuer: config.TOKEN_ISSUER, lifeSeconds: config.ACCESS_TOKEN_SECONDS },
    policy: policyOf(config),
    dialects: spoken(config),
    faces: {
      callingCode: config.MESSAGECENTRAL_COUNTRY_CODE,
      ...(config.JODIMILAN_USER_KEY !== undefined && { userKey: readUserKey(config.JODIMILAN_USER_KEY) }),
    },
    languages: parseLanguages(config.MESSAGE_LANGUAGES),
    clientKey: clientKey(config),
    duringRequest,
    limits: {
      redis,
      perMinute: config.REQUESTS_PER_MINUTE,
      sendsPerMinute: config.SEND_REQUESTS_PER_MINUTE,
      exempt: list(config.EXEMPT_CLIENTS).map(readCidr),
    },
    trustProxy: list(config.TRUST_PROXY),
    corsOrigins: list(config.CORS_ORIGINS),
    ...hostedPages(config, { reached: countries(config), mail: canMail }),
    ...(phone !== undefined && { dev: { ...phone, mailbox: createDevMailbox({ redis, sealer }), clock } }),
  }
}

/** Of a number that is refused whenever it is asked for, one refusal a day is enough. */
const today = (): string => new Date().toISOString().slice(0, 10)

/** What has to be sent by a channel that is not configured is refused at once instead of waiting for nobody. */
const withChannels = (queue: SmsQueue, can: Readonly<Record<Channel, boolean>>): SmsQueue => ({
  async send(message, caller) {
    if (!can[message.channel]) throw new AppError('unavailable')
    await queue.send(message, caller)
  },
  has: queue.has,
})

function spoken({ dialects: { mounted }, CODE_DIGITS }: GatewayConfig): AppDeps['dialects'] {
  return mounted.flatMap(({ name, policy, root }) => {
    const dialect = dialects[name]
    return dialect === undefined ? [] : [{ ...dialect, name, policy: facePolicy(policy, CODE_DIGITS), root }]
  })
}

/** Derived, so that a client's name in a candidate list is of no use among the counters of a phone. */
function clientKey({ INDEX_KEY }: GatewayConfig): AppDeps['clientKey'] {
  const [key] = parseKeyRing(INDEX_KEY)
  return { id: key.id, secret: hmac(key, 'clients') }
}

function challengeKeys({ CHALLENGE_ID_KEY, INDEX_KEY }: GatewayConfig): ChallengeKeys {
  const [idKey] = parseKeyRing(CHALLENGE_ID_KEY)
  const [indexKey] = parseKeyRing(INDEX_KEY)
  return createChallengeKeys({ idKey, indexKey })
}

function createStore(
  config: GatewayConfig,
  stored: Pick<ScriptOptions, 'redis' | 'keys' | 'clockOffsetMs'>,
  sealer: ReturnType<typeof createSealer>,
) {
  const store = createChallengeStore({
    ...stored,
    secrets: createChallengeSecrets({ codeKeys: parseKeyRing(config.CODE_KEYS), sealer }),
    budgets: {
      sendsPerHour: config.SENDS_PER_HOUR,
      sendsPerDay: config.SENDS_PER_DAY,
      wrongPerHour: config.WRONG_PER_HOUR,
      wrongPerDay: config.WRONG_PER_DAY,
    },
  })
  return inCallersTime(store, stored.clockOffsetMs)
}

const createGuesses = (
  config: GatewayConfig,
  stored: Pick<ScriptOptions, 'redis' | 'keys' | 'clockOffsetMs'>,
  metrics: Registry,
) => guessesInCallersTime(createGuessBudgets({ ...stored, limits: guessLimits(config), metrics }), stored.clockOffsetMs)

function createGuard(
  config: GatewayConfig,
  {
    switches,
    log,
    ...stored
  }: Pick<ScriptOptions, 'redis' | 'keys' | 'clockOffsetMs'> & {
    switches: SmsSwitches
    log: Logger
    metrics: Registry
  },
) {
  const { modes, unanswered, money } = smsGuard(config)
  return createSmsBudget({
    keys: stored.keys,
    conversion: createConversion({ ...stored, unanswered }),
    dayBudget: money && createDayBudget({ ...stored, ...money }),
    readModes: () => switches.guardModes(modes),
    log,
    metrics: stored.metrics,
  })
}

const guessLimits = (config: GatewayConfig): GuessLimits => ({
  networkPerHour: config.WRONG_PER_NETWORK_PER_HOUR,
  networkPerDay: config.WRONG_PER_NETWORK_PER_DAY,
  conflictsPerHour: config.CONFLICTS_PER_HOUR,
  freePasswords: config.WRONG_PASSWORDS_PER_DAY,
  passwordWaitsSeconds: list(config.WRONG_PASSWORD_WAITS_SECONDS).map(Number),
})

const policyOf = (config: GatewayConfig): AppDeps['policy'] => ({
  codeDigits: config.CODE_DIGITS,
  codeLifeSeconds: config.CODE_LIFE_SECONDS,
  attempts: config.CODE_ATTEMPTS,
  resends: config.RESENDS,
  cooldownsSeconds: list(config.SEND_COOLDOWNS_SECONDS).map(Number),
  resend: 'repeat',
})

function countries({ SMS_COUNTRIES = '*' }: GatewayConfig): '*' | ReadonlySet<string> {
  return SMS_COUNTRIES === '*' ? '*' : new Set(list(SMS_COUNTRIES))
}

/** The documents' own example number answers in development even where nothing is configured. */
function testNumbers({ NODE_ENV, TEST_NUMBERS }: GatewayConfig): ReadonlyMap<string, string | undefined> {
  const text = TEST_NUMBERS ?? (NODE_ENV === 'development' ? '+1234567890' : '')
  return new Map(list(text).map((entry) => entry.split('=', 2) as [string, string | undefined]))
}
