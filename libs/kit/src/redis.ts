import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { AppError } from './app-error.js'
import { ConfigError } from './config.js'
import type { Check } from './ops.js'

/** `request`: somebody waits, and two calls in a row must fail within two seconds. `consumer`: waits for ever, as BullMQ's workers want. */
type Patience = 'request' | 'consumer'

const patience: Record<Patience, Omit<RedisOptions, 'replyMapping'>> = {
  request: {
    enableOfflineQueue: false,
    // Who lost an answer does not know whether the script ran; sending it again would count a guess twice.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 800,
    connectTimeout: 2_000,
    // A connection whose other end is gone without a word is given up, not waited on for a quarter of an hour.
    socketTimeout: 2_000,
  },
  consumer: { maxRetriesPerRequest: null },
}

/** Opens a connection that keeps trying in short steps. Its errors are logged, once per outage, never thrown. */
export function createRedis(
  url: string,
  { log, name, patience: kind }: { log: Logger; name: string; patience: Patience },
): Redis {
  const redis = new Redis(url, {
    ...patience[kind],
    connectionName: name,
    retryStrategy: (times) => Math.min(times * 50, 500),
  })
  let down = false
  redis.on('error', (err: Error) => {
    if (!down) log.error({ err, redis: name }, 'redis is away')
    down = true
  })
  redis.on('ready', () => {
    if (down) log.info({ redis: name }, 'redis is back')
    down = false
  })
  return redis
}

/** Runs a call on the request path; whatever Redis does wrong becomes `unavailable`. */
export async function orUnavailable<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('unavailable', { cause, effect: 'unknown' })
  }
}

export interface RedisGuard {
  /** For `/ready`: the connection answers and the last look at its policy was good. */
  readonly check: Check
  close(): void
}

/**
 * Looks at eviction and persistence whenever the connection comes up, and every minute (`lookEveryMs`). A Redis that evicts loses codes and
 * jobs without a word (5,860 of 6,000 in a trial), so the first bad look is handed to `refuse`; a later one turns `/ready` red.
 */
export function guardRedis(
  redis: Redis,
  {
    name,
    appendOnly,
    refuse,
    lookEveryMs = 60_000,
  }: { name: string; appendOnly: boolean; refuse: (error: ConfigError) => void; lookEveryMs?: number },
): RedisGuard {
  let problem: string | undefined = `${name} has not answered yet`
  let everGood = false
  let told = false
  let again: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const found = await policyProblem(redis, appendOnly)
    told = true
    problem = found === undefined ? undefined : `${name} ${found}`
    if (problem !== undefined && !everGood) refuse(new ConfigError([problem]))
    everGood ||= problem === undefined
  }
  // A look that got no answer tells nothing: what was seen before still stands, and the next look comes. Where nothing was,
  // the process would not be ready until then.
  const tryToLook = () =>
    void look().catch(() => {
      if (told) return
      clearTimeout(again)
      again = setTimeout(() => redis.status === 'ready' && tryToLook(), firstLookAgainMs).unref()
    })

  if (redis.status === 'ready') tryToLook()
  redis.on('ready', tryToLook)
  const timer = setInterval(() => redis.status === 'ready' && tryToLook(), lookEveryMs)
  timer.unref()
  return {
    check: async () => {
      if (redis.status !== 'ready') return `${name} is not connected`
      const answered = await redis.ping().then(
        () => true,
        () => false,
      )
      return answered ? problem : `${name} does not answer`
    },
    close() {
      clearInterval(timer)
      clearTimeout(again)
    },
  }
}

const firstLookAgainMs = 500

async function policyProblem(redis: Redis, appendOnly: boolean): Promise<string | undefined> {
  // INFO rather than CONFIG GET: hosted Redis forbids the latter.
  const policy = field(await redis.info('memory'), 'maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    return `has maxmemory-policy ${policy}; it must be noeviction, or codes and jobs are lost silently`
  if (appendOnly && field(await redis.info('persistence'), 'aof_enabled') === '0')
    return 'is not append-only; set `appendonly yes`, or a crash loses every waiting code'
  return undefined
}

const field = (info: string, name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
