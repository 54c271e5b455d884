import { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { lateClass, smsClasses, smsQueue } from '@latchkey/contracts/queues/sms'
import { parseKeyRing, parseSealKeys } from '@latchkey/kit/key-ring'
import type { Check } from '@latchkey/kit/ops'
import { type Consumer, createConsumer, createProducer, type Producer } from '@latchkey/kit/queue'
import { oldestDelayedMs, oldestWaitingMs } from '@latchkey/kit/queue-age'
import { createRedis, guardRedis } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import { createSealer, type Sealer } from '@latchkey/kit/seal'
import { createShardedIds } from '@latchkey/kit/sharded-id'
import { Queue } from 'bullmq'
import type { FastifyPluginAsync } from 'fastify'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createTellAct, type TellAct } from './board/acts.js'
import { createDeadLetters, type DeadLetters } from './board/dead-letters.js'
import { createGate } from './board/gate.js'
import { carriers, explain } from './carriers.js'
import type { WorkerConfig } from './config.js'
import { createDeliveryReport } from './jobs/delivery-report.js'
import { createLateQueue } from './jobs/late-queue.js'
import { createShare } from './jobs/share.js'
import { createSendSms } from './jobs/send-sms.js'
import { createOpenChallenge } from './messages/open-challenge.js'
import { createRender, helpText } from './messages/render.js'
import { createWorkerMetrics, tellLane, type WorkerMetrics } from './metrics.js'
import { createOptOuts, type OptOuts } from './opt-outs/opt-outs.js'
import { createInbox } from './providers/inbox.js'
import { createNone } from './providers/none.js'
import type { SmsProvider } from './providers/provider.js'
import { type CarrierDesk, createCarrierDesk } from './receipts/carrier-desk.js'
import { createReceiptMetrics } from './receipts/receipt-metrics.js'
import { createAttemptFence } from './routing/attempt-fence.js'
import { createLane, type Lane } from './routing/lane.js'
import { createLaneHealth, type LaneTimes } from './routing/lane-health.js'
import { createNoteLane } from './routing/last-lane.js'
import { createPace } from './routing/pace.js'
import { createRouter } from './routing/router.js'
import { createLookAtSwitches } from './switchboard/switchboard.js'

export interface Needs {
  readonly scope: Scope
  readonly log: Logger
  readonly metrics: Registry
  /** Of the challenges' clock; moved by tests only. */
  readonly clockOffsetMs?: number
  /** Another prefix gives a test a queue of its own. */
  readonly prefix?: string
  /** How long one call to a carrier may take; shortened by tests only. */
  readonly carrierTimeoutMs?: number
  /** How long lanes are out, and come back; shortened by tests only. */
  readonly laneTimes?: Partial<LaneTimes>
}

export interface Deps {
  readonly checks: Readonly<Record<string, Check>>
  /** Not started: who starts it also closes it, before everything else. */
  readonly consumer: Consumer
  /** Where carriers' own calls are taken. */
  readonly desk: CarrierDesk
  /** What operators see of the queues, where there is a password for it. */
  readonly board?: FastifyPluginAsync
}

/** Of the slots, for sign-up and what comes after it; the rest is free for sign-in and reset. */
const lowerShare = 0.6
const shareWaitMs = 200
const codeClasses = [...new Set(Object.values(smsClasses))]

/** The one file that knows which implementation stands behind each port. */
export function createDeps(config: WorkerConfig, needs: Needs): Deps {
  const {
    scope,
    log,
    metrics,
    clockOffsetMs = 0,
    prefix = queuePrefix,
    carrierTimeoutMs = 5_000,
    laneTimes = {},
  } = needs
  const queueUrl = config.QUEUE_REDIS_URL ?? config.REDIS_URL
  const connect = (name: string, url: string, patience: 'request' | 'consumer') => {
    const redis = createRedis(url, { log, name, patience })
    scope.defer(name, () => redis.disconnect())
    return redis
  }
  const redis = connect('redis', config.REDIS_URL, 'request')
  const queueRedis = connect('queue redis', queueUrl, 'request')
  const consumerRedis = connect('queue consumer redis', queueUrl, 'consumer')
  const events = createProducer(deliveryEventQueue, { redis: queueRedis, prefix, log })
  scope.defer('delivery events', () => events.close())

  const sealer = createSealer(parseSealKeys(config.SEAL_KEYS))
  const queues = openQueues(queueRedis, { scope, prefix, log })
  const lookAtSwitches = createLookAtSwitches({ redis: queueRedis, prefix })
  const figures = createWorkerMetrics(metrics, queueFigures(queueRedis, queues.sms, prefix), lookAtSwitches)
  const fence = createAttemptFence(queueRedis)
  const lanes = createLanes(config, { redis, queueRedis, prefix, sealer, figures, log, carrierTimeoutMs, laneTimes })
  const router = createRouter({ fence, routes: config.routes, lookAtSwitches, ...lanes })
  const report = createDeliveryReport({ events, fence, explain })
  const ids = createShardedIds(parseKeyRing(config.CHALLENGE_ID_KEY)[0])
  const optOuts = createOptOuts({ redis: queueRedis, prefix, key: parseKeyRing(config.OPT_OUT_KEY)[0] })
  const openChallenge = createOpenChallenge({ redis, sealer, ids, clockOffsetMs })
  const wording = { brand: config.BRAND_NAME, languages: config.languages }
  const sendSms = createSendSms({
    openChallenge,
    render: createRender({ ...wording, domain: config.WEBOTP_DOMAIN }),
    fence,
    router,
    noteLane: createNoteLane({ redis, ids }),
    report,
    optOuts,
    lotOf: (challengeId) => Number.parseInt(ids.shardOf(challengeId), 16),
    lookAtSwitches,
    isLate: createLateQueue(() => oldestWaitingMs(smsQueue, queueRedis, prefix, codeClasses)),
    share: createShare(Math.ceil(config.WORKER_CONCURRENCY * lowerShare), shareWaitMs),
    observeAccept: figures.observeAccept,
    log,
  })
  const consumer = createConsumer(smsQueue, {
    redis: consumerRedis,
    prefix,
    log,
    concurrency: config.WORKER_CONCURRENCY,
    handle: (job, info) => sendSms.handle(job, info),
    onDead: (job) => sendSms.bury(job),
  })
  const send = createProducer(smsQueue, { redis: queueRedis, prefix, log })
  scope.defer('sms queue', () => send.close())
  const tellAct = createTellAct(events)
  const deadLetters = createDeadLetters({ ...queues, send, tell: events, tellAct, openChallenge, fence, log })
  const board = boardOf(config, queues, { deadLetters, tellAct })
  return {
    consumer,
    desk: createDesk(config, { events, optOuts, metrics }),
    ...(board !== undefined && { board }),
    checks: checksOf(config, { scope, redis, queueRedis, consumer }),
  }
}

interface DeskNeeds {
  readonly events: Producer<typeof deliveryEventQueue.payload>
  readonly optOuts: OptOuts
  readonly metrics: Registry
}

/** Only carriers that are used are listened to, and only where they can know our address. */
function createDesk(config: WorkerConfig, { events, optOuts, metrics }: DeskNeeds): CarrierDesk {
  const { PUBLIC_WORKER_URL: publicUrl, told, providers } = config
  const readers = carriers.flatMap(({ name, reader }) => {
    const found = publicUrl === undefined || !providers.includes(name) ? undefined : reader?.(told, publicUrl)
    return found === undefined ? [] : [[name, found] as const]
  })
  const help = helpText({ brand: config.BRAND_NAME, languages: config.languages })
  return createCarrierDesk({
    readers: new Map(readers),
    events,
    optOuts,
    explain,
    help,
    ...createReceiptMetrics(metrics),
  })
}

interface LaneNeeds {
  readonly redis: Redis
  readonly queueRedis: Redis
  readonly prefix: string
  readonly sealer: Sealer
  readonly figures: WorkerMetrics
  readonly log: Logger
  readonly carrierTimeoutMs: number
  readonly laneTimes: Partial<LaneTimes>
}

function createLanes(
  config: WorkerConfig,
  { redis, queueRedis, prefix, sealer, figures, log, carrierTimeoutMs, laneTimes }: LaneNeeds,
): Pick<Parameters<typeof createRouter>[0], 'lanes' | 'test'> {
  const development = config.NODE_ENV === 'development'
  const needs = { timeoutMs: carrierTimeoutMs, connections: config.WORKER_CONCURRENCY }
  const receiptsUrl = config.PUBLIC_WORKER_URL?.replace(/\/$/, '')
  const open = (name: string): SmsProvider | undefined => {
    if (name === 'inbox') return createInbox({ redis, sealer, production: !development })
    if (name === 'none') return createNone()
    const url = receiptsUrl === undefined ? {} : { receiptsUrl: `${receiptsUrl}/receipts/${name}` }
    return carriers.find((carrier) => carrier.name === name)?.open(config.told, { ...needs, ...url })
  }
  const lane = (provider: SmsProvider): Lane => {
    const { name } = provider
    const perSecond = config.pace.get(name)
    const onWaiting = (count: number) => figures.laneWaiting(name, count)
    return createLane({
      provider,
      health: createLaneHealth({ times: laneTimes, onChange: tellLane(name, figures, log) }),
      observe: figures.observeOutcome,
      ...(perSecond !== undefined && {
        pace: createPace({ redis: queueRedis, prefix, lane: name, perSecond, onWaiting }),
      }),
    })
  }
  const [first, ...rest] = config.providers.flatMap((name) => {
    const provider = open(name)
    return provider === undefined ? [] : [lane(provider)]
  })
  if (first === undefined) throw new Error('no provider is configured')
  if (!development) return { lanes: [first, ...rest] }
  const inbox = [first, ...rest].find(({ provider }) => provider.name === 'inbox')
  const numbers = (config.TEST_NUMBERS ?? '+1234567890').split(',').map((entry) => entry.split('=', 1)[0] ?? '')
  const forTests = inbox ?? lane(createInbox({ redis, sealer, production: false }))
  return { lanes: [first, ...rest], test: { numbers: new Set(numbers), lane: forTests } }
}

function boardOf(
  { BOARD_USER: user, BOARD_PASSWORD: password, BOARD_WRITES }: WorkerConfig,
  { sms, events }: ReturnType<typeof openQueues>,
  acts: { readonly deadLetters: DeadLetters; readonly tellAct: TellAct },
): FastifyPluginAsync | undefined {
  if (password === undefined) return undefined
  const gate = createGate({ user, password })
  // Loaded only where it is wanted: every start would take longer for it.
  return async (app) => {
    const { createBoard } = await import('./board/board.js')
    await app.register(createBoard({ queues: [sms, events], ...acts, gate, user, writes: BOARD_WRITES === 'on' }))
  }
}

/** Both queues as figures, the dashboard and dead letters see them. */
function openQueues(redis: Redis, { scope, prefix, log }: { scope: Scope; prefix: string; log: Logger }) {
  const open = (name: string) => {
    // As for a producer: a version that is not told in time would leave it without figures for good.
    const queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true })
    queue.on('error', (err) => log.debug({ err }, 'queue figures'))
    scope.defer(`${name} figures`, () => queue.close())
    return queue
  }
  return { sms: open(smsQueue.name), events: open(deliveryEventQueue.name) }
}

function queueFigures(redis: Redis, queue: Queue, prefix: string) {
  return {
    oldestWaitingMs: () => oldestWaitingMs(smsQueue, redis, prefix, [...codeClasses, lateClass]),
    oldestRetryingMs: () => oldestDelayedMs(smsQueue, redis, prefix),
    counts: async () => {
      if (redis.status !== 'ready') return {}
      return queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed', 'completed')
    },
  }
}

interface Checked {
  readonly scope: Scope
  readonly redis: Redis
  readonly queueRedis: Redis
  readonly consumer: Consumer
}

function checksOf(config: WorkerConfig, { scope, redis, queueRedis, consumer }: Checked): Deps['checks'] {
  const guard = (name: string, connection: Redis): Check => {
    const watched = guardRedis(connection, {
      name,
      appendOnly: config.NODE_ENV === 'production',
      refuse: (error) => scope.fail(error),
    })
    scope.defer(`${name} guard`, () => watched.close())
    return watched.check
  }
  return {
    redis: guard('redis', redis),
    queueRedis: guard('queue redis', queueRedis),
    consumer: async () => (consumer.running ? undefined : 'the consumer is not running'),
  }
}
