import { Cluster, type ClusterOptions, Redis as Single, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { AppError } from './app-error.js'
import { ConfigError } from './config.js'
import type { Check } from './ops.js'
import { readRedisUrl, type RedisPlace } from './redis-url.js'

/** A connection to one Redis, or to a cluster of them: every command names keys of one slot. */
export type Redis = Single | Cluster

/** `request`: somebody waits, and two calls in a row must fail within two seconds. `consumer`: waits for ever, as BullMQ's workers want. */
type Patience = 'request' | 'consumer'
type Options = Omit<RedisOptions, 'replyMapping' | 'host' | 'port' | 'path' | 'sentinels' | 'retryStrategy'>

const patience: Record<Patience, Omit<Options, 'enableOfflineQueue'>> = {
  request: {
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

const clusterPatience: Record<Patience, ClusterOptions> = {
  // 0: a cluster would send again what lost its connection, the answer included.
  request: { enableOfflineQueue: false, retryDelayOnFailover: 0 },
  // As often as it takes until a replica is elected: who waits for a job has no end to name.
  consumer: { maxRedirections: 1_000 },
}

const shortSteps = (times: number) => Math.min(times * 50, 500)

/** Opens a connection that keeps trying in short steps. Its errors are logged, once per outage, never thrown. */
export function createRedis(
  url: string,
  { log, name, patience: kind }: { log: Logger; name: string; patience: Patience },
): Redis {
  const redis = connect(readRedisUrl(url), kind, name)
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

function connect(place: RedisPlace, kind: Patience, connectionName: string): Redis {
  const options = { ...patience[kind], connectionName }
  if (place.kind === 'cluster') return connectCluster(place, kind, options)
  const one = { ...options, enableOfflineQueue: kind === 'consumer', retryStrategy: shortSteps }
  if (place.kind === 'server') return gathering(new Single(place.url, one))
  const { sentinels, master, database, as, sentinelPassword, tls } = place
  return gathering(
    new Single({
      ...one,
      ...as,
      sentinels: [...sentinels],
      name: master,
      db: database,
      ...(sentinelPassword !== undefined && { sentinelPassword }),
      ...(tls && { tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} }),
      sentinelRetryStrategy: shortSteps,
      // One that is frozen, or cut off, keeps its connections: the sentinels say when another took its place.
      failoverDetector: true,
      // Nor does one close them that was told to follow: it refuses writes.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    }),
  )
}

function connectCluster(
  { nodes, as, tls }: Extract<RedisPlace, { kind: 'cluster' }>,
  kind: Patience,
  redisOptions: Options,
): Cluster {
  const cluster = new Cluster([...nodes], {
    ...clusterPatience[kind],
    redisOptions: { ...redisOptions, ...as, ...(tls && { tls: {} }) },
    clusterRetryStrategy: shortSteps,
    // By name where the cluster gives names: certificates have them.
    dnsLookup: (address, callback) => callback(null, address),
  })
  // While a node is being connected to, what is meant for it is refused: so that is not left to the first request.
  cluster.on(
    '+node',
    (node: Single) =>
      void gathering(node)
        .connect()
        .catch(() => undefined),
  )
  return cluster
}

/** Writes what is asked in one turn of the event loop at once, at its end (docs/adr/0055-one-write-a-turn.md). */
function gathering(redis: Single): Single {
  const send = redis.sendCommand.bind(redis)
  let corked: Single['stream'] | undefined
  redis.sendCommand = (...command) => {
    const { stream } = redis
    // Before there is a connection there is none; a new one begins its own turn.
    if (stream !== undefined && stream !== corked) {
      corked = stream
      stream.cork()
      setImmediate(() => {
        stream.uncork()
        if (corked === stream) corked = undefined
      })
    }
    return send(...command)
  }
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

/** What a look at a Redis found; undefined where it is away. */
export type ObserveRedis = (redis: string, found: RedisFound | undefined) => void

interface RedisFound {
  readonly usedBytes: number
  /** 0: it takes what the machine has. */
  readonly mostBytes: number
  readonly asItMustBe: boolean
}

/** The figures of every Redis of a process, as its guards last saw them. */
export function createRedisMetrics(registry: Registry): ObserveRedis {
  const registers = [registry]
  const used = new Gauge({
    name: 'latchkey_redis_memory_bytes',
    help: 'Memory that a Redis uses, of a cluster its fullest node, looked at every minute; absent while it is away',
    labelNames: ['redis'],
    registers,
  })
  const most = new Gauge({
    name: 'latchkey_redis_memory_max_bytes',
    help: 'Its `maxmemory`: full, it refuses writes, and calls answer 503; 0 where it has none',
    labelNames: ['redis'],
    registers,
  })
  const policy = new Gauge({
    name: 'latchkey_redis_policy_good',
    help: '1 where a Redis keeps what it is given (`noeviction`, in production `appendonly yes`), 0 where codes and jobs can be lost',
    labelNames: ['redis'],
    registers,
  })
  return (redis, found) => {
    if (found === undefined) {
      for (const gauge of [used, most, policy]) gauge.remove({ redis })
      return
    }
    used.set({ redis }, found.usedBytes)
    most.set({ redis }, found.mostBytes)
    policy.set({ redis }, found.asItMustBe ? 1 : 0)
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
    observe = () => undefined,
    lookEveryMs = 60_000,
  }: {
    name: string
    appendOnly: boolean
    refuse: (error: ConfigError) => void
    observe?: ObserveRedis
    lookEveryMs?: number
  },
): RedisGuard {
  let problem: string | undefined = `${name} has not answered yet`
  let everGood = false
  let told = false
  let again: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const found = await Promise.all(mastersOf(redis).map((server) => lookAt(server, appendOnly)))
    const [fullest] = found.sort((a, b) => fullness(b) - fullness(a))
    if (fullest === undefined) throw new Error(`${name} has no master`)
    told = true
    const [wrong] = found.flatMap((server) => server.wrong ?? [])
    problem = wrong === undefined ? undefined : `${name} ${wrong}`
    observe(name, { ...fullest, asItMustBe: problem === undefined })
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
  redis.on('close', () => observe(name, undefined))
  const timer = setInterval(() => redis.status === 'ready' && tryToLook(), lookEveryMs)
  timer.unref()
  return {
    check: async () => {
      if (redis.status !== 'ready') return `${name} is not connected`
      // Whose share of a cluster is gone is told so by each call; the others are served.
      const answered = await Promise.any(mastersOf(redis).map((server) => server.ping())).then(
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

/** Of a cluster each that has a share of the keys. */
const mastersOf = (redis: Redis): readonly Single[] => (redis instanceof Cluster ? redis.nodes('master') : [redis])

interface ServerFound {
  readonly usedBytes: number
  readonly mostBytes: number
  readonly wrong: string | undefined
}

async function lookAt(server: Single, appendOnly: boolean): Promise<ServerFound> {
  const memory = await server.info('memory')
  const wrong = policyProblem(memory, appendOnly ? await server.info('persistence') : '')
  const bytes = (what: string) => Number(field(memory, what) ?? 0)
  return { usedBytes: bytes('used_memory'), mostBytes: bytes('maxmemory'), wrong }
}

/** One without a limit is as full as it is big. */
const fullness = ({ usedBytes, mostBytes }: ServerFound) =>
  mostBytes === 0 ? usedBytes / 2 ** 60 : usedBytes / mostBytes

/** By INFO rather than CONFIG GET: hosted Redis forbids the latter. */
function policyProblem(memory: string, persistence: string): string | undefined {
  const policy = field(memory, 'maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction')
    return `has maxmemory-policy ${policy}; it must be noeviction, or codes and jobs are lost silently`
  if (field(persistence, 'aof_enabled') === '0')
    return 'is not append-only; set `appendonly yes`, or a crash loses every waiting code'
  return undefined
}

const field = (info: string, name: string): string | undefined => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1]
