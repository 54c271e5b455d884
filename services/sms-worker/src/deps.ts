import { sandboxLanes, sandboxTimeoutMs } from '@latchkey/contracts/dev/ailments'
import { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { smsQueue } from '@latchkey/contracts/queues/sms'
import { parseKeyRing, parseSealKeys } from '@latchkey/kit/key-ring'
import type { Check } from '@latchkey/kit/ops'
import { type Consumer, createConsumer, createProducer } from '@latchkey/kit/queue'
import { oldestWaitingMs } from '@latchkey/kit/queue-age'
import { createRedis, createRedisMetrics } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import { isTracing } from '@latchkey/kit/tracing'
import { createSealer, type Sealer } from '@latchkey/kit/seal'
import { createShardedIds } from '@latchkey/kit/sharded-id'
import type { FastifyPluginAsync } from 'fastify'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { createTellAct, type TellAct } from './board/acts.js'
import { createDeadLetters, type DeadLetters } from './board/dead-letters.js'
import { createGate } from './board/gate.js'
import { carriers, explain } from './carriers.js'
import { checksOf } from './checks.js'
import type { WorkerConfig } from './config.js'
import { createSandbox } from './dev/sandbox.js'
import { unwatched, type Watch } from './dev/watch.js'
import { createBringBack } from './jobs/bring-back.js'
import { createDeliveryReport } from './jobs/delivery-report.js'
import { createEventBatches } from './jobs/event-batches.js'
import { createLateQueue, lateAfterMs } from './jobs/late-queue.js'
import { createShare } from './jobs/share.js'
import { createSendSms } from './jobs/send-sms.js'
import { createTurnstile } from './jobs/turnstile.js'
import { createWriteLetter } from './messages/letter.js'
import { createOpenChallenge } from './messages/open-challenge.js'
import { createRender } from './messages/render.js'
import { createWrite } from './messages/write.js'
import { createWorkerMetrics, tellLane, type WorkerMetrics } from './metrics.js'
import { createOptOuts } from './opt-outs/opt-outs.js'
import { createInbox } from './providers/inbox.js'
import { createNone } from './providers/none.js'
import type { SmsProvider } from './providers/provider.js'
import type { CarrierDesk } from './receipts/carrier-desk.js'
import { createDesk } from './receipts/desk.js'
import { createMailbox } from './providers/mailbox.js'
import { createSmtp } from './providers/smtp.js'
import { codeClasses, openQueues, queueFigures } from './queue-figures.js'
import { createAttemptFence } from './routing/attempt-fence.js'
import { createChannels } from './routing/channels.js'
import { createLane, type Lane } from './routing/lane.js'
import { createLaneHealth, type LaneTimes } from './routing/lane-health.js'
import { createNoteLane } from './routing/last-lane.js'
import { createPace } from './routing/pace.js'
import { createRooms } from './routing/rooms.js'
import { createRouter } from './routing/router.js'
import { createUsher } from './routing/usher.js'
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
/** And for mail: each holds a connection, and a mail server that hangs would hold them all. */
const mailSlots = 0.2
const shareWaitMs = 200
/** Mail servers look at a message before they take it, carriers afterwards. */
const mailPatience = 3
/** A hundred a second that find no room, at most. */
const turnstileMs = 10

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
  const sealer = createSealer(parseSealKeys(config.SEAL_KEYS))
  const timeoutMs = Math.min(sandboxTimeoutMs, carrierTimeoutMs)
  const boxed = openSandbox(config, { redis, sealer, prefix, log, timeoutMs })
  const eventQueue = createProducer(deliveryEventQueue, { redis: queueRedis, prefix, log })
  // A job belongs to one trace: where they are followed, each event has its own.
  const events = boxed.watch.events(isTracing() ? eventQueue : createEventBatches(eventQueue))
  scope.defer('delivery events', () => events.close())

  const queues = openQueues(queueRedis, { scope, prefix, log })
  const lookAtSwitches = createLookAtSwitches({ redis: queueRedis, prefix })
  const figures = createWorkerMetrics(metrics, queueFigures(queueRedis, queues, prefix), lookAtSwitches)
  const fence = createAttemptFence(queueRedis)
  const lanes = createLanes(config, { ...boxed, scope, queueRedis, prefix, figures, log, carrierTimeoutMs, laneTimes })
  const { routes } = config
  const share = createShare(Math.ceil(config.WORKER_CONCURRENCY * lowerShare), shareWaitMs)
  const waiting = createRooms({ redis: queueRedis, prefix, routes, lanes: lanes.sms.lanes, lateAfterMs })
  const router = createChannels({
    sms: createRouter({ fence, routes, lookAtSwitches, roomOf: waiting.roomOf, ...lanes.sms }),
    mail: createRouter({ fence, lookAtSwitches, lanes: [lanes.mail] }),
    mailShare: createShare(Math.ceil(config.WORKER_CONCURRENCY * mailSlots), shareWaitMs),
  })
  const onWaiting = figures.roomWaiting
  const bringBack = createBringBack(queues.sms)
  const isWorking = () => consumer.running
  const usher = createUsher({ rooms: waiting.rooms, lookAtSwitches, bringBack, share, isWorking, onWaiting, log })
  scope.defer('usher', () => usher.close())
  const report = createDeliveryReport({ events, fence, explain })
  const ids = createShardedIds(parseKeyRing(config.CHALLENGE_ID_KEY)[0])
  const optOuts = createOptOuts({ redis: queueRedis, prefix, key: parseKeyRing(config.OPT_OUT_KEY)[0] })
  const openChallenge = createOpenChallenge({ redis, sealer, ids, clockOffsetMs })
  const wording = { brand: config.BRAND_NAME, pagesUrl: config.PAGES_URL, languages: config.languages }
  const sendSms = createSendSms({
    openChallenge,
    write: createWrite({
      render: createRender({ ...wording, domain: config.WEBOTP_DOMAIN }),
      writeLetter: createWriteLetter(wording),
    }),
    fence,
    router,
    noteLane: createNoteLane({ redis, ids }),
    report,
    optOuts,
    lotOf: (challengeId) => Number.parseInt(ids.shardOf(challengeId), 16),
    lookAtSwitches,
    isLate: createLateQueue(async () =>
      Math.max(
        await oldestWaitingMs(smsQueue, queueRedis, prefix, codeClasses),
        ...waiting.rooms.map(({ room }) => room.oldestMs),
      ),
    ),
    share,
    turnstile: createTurnstile(turnstileMs),
    observeAccept: figures.observeAccept,
    observeEnd: figures.observeEnd,
    log,
  })
  const consumer = createConsumer(smsQueue, {
    redis: consumerRedis,
    prefix,
    log,
    concurrency: config.WORKER_CONCURRENCY,
    handle: boxed.watch.handle(sendSms.handle),
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
    checks: checksOf(config, { scope, redis, queueRedis, consumer, observe: createRedisMetrics(metrics) }),
  }
}

interface Sandboxed {
  readonly watch: Watch
  /** A carrier of development, by its lane; none in production. */
  readonly sandbox: (name: string) => SmsProvider | undefined
  /** Where mail waits in development; none in production. */
  readonly mailbox: SmsProvider | undefined
}

function openSandbox(
  { NODE_ENV, providers }: WorkerConfig,
  needs: { redis: Redis; sealer: Sealer; prefix: string; log: Logger; timeoutMs: number },
): Sandboxed {
  if (NODE_ENV !== 'development') return { watch: unwatched, sandbox: () => undefined, mailbox: undefined }
  const { lanes, ailing, note, watch } = createSandbox({ ...needs, providers, explain })
  const sandbox = (name: string) => {
    const lane = lanes.find((each) => each === name)
    return lane && createInbox({ ...needs, lane, ailing, onArrived: note })
  }
  return { watch, sandbox, mailbox: createMailbox({ ...needs, onArrived: note }) }
}

interface LaneNeeds extends Sandboxed {
  readonly scope: Scope
  readonly queueRedis: Redis
  readonly prefix: string
  readonly figures: WorkerMetrics
  readonly log: Logger
  readonly carrierTimeoutMs: number
  readonly laneTimes: Partial<LaneTimes>
}

function createLanes(
  config: WorkerConfig,
  { scope, queueRedis, prefix, sandbox, mailbox, watch, figures, log, carrierTimeoutMs, laneTimes }: LaneNeeds,
): { readonly sms: Pick<Parameters<typeof createRouter>[0], 'lanes' | 'test'>; readonly mail: Lane } {
  const needs = { timeoutMs: carrierTimeoutMs, connections: config.WORKER_CONCURRENCY }
  const receiptsUrl = config.PUBLIC_WORKER_URL?.replace(/\/$/, '')
  const open = (name: string): SmsProvider | undefined => {
    if (name === 'none') return createNone()
    const url = receiptsUrl === undefined ? {} : { receiptsUrl: `${receiptsUrl}/receipts/${name}` }
    const carrier = carriers.find((each) => each.name === name)
    return sandbox(name) ?? carrier?.open(config.told, { ...needs, ...url })
  }
  const lane = (bare: SmsProvider): Lane => {
    const provider = watch.provider(bare)
    const { name } = provider
    const perSecond = config.pace.get(name)
    const onWaiting = (count: number) => figures.laneWaiting(name, count)
    return createLane({
      provider,
      health: createLaneHealth({ times: laneTimes, onChange: watch.lane(name, tellLane(name, figures, log)) }),
      observe: figures.observeOutcome,
      ...(perSecond !== undefined && {
        pace: createPace({ redis: queueRedis, prefix, lane: name, perSecond, onWaiting }),
      }),
    })
  }
  const smtp = config.mail && createSmtp(config.mail, { timeoutMs: mailPatience * carrierTimeoutMs })
  scope.defer('mail server', async () => smtp?.close())
  const mail = lane(smtp ?? mailbox ?? createNone())
  const [first, ...rest] = config.providers.flatMap((name) => {
    const provider = open(name)
    return provider === undefined ? [] : [lane(provider)]
  })
  if (first === undefined) throw new Error('no provider is configured')
  const inbox = [first, ...rest].find(({ name }) => name === sandboxLanes[0])
  const own = sandbox(sandboxLanes[0])
  if (own === undefined) return { mail, sms: { lanes: [first, ...rest] } }
  const numbers = (config.TEST_NUMBERS ?? '+1234567890').split(',').map((entry) => entry.split('=', 1)[0] ?? '')
  return { mail, sms: { lanes: [first, ...rest], test: { numbers: new Set(numbers), lane: inbox ?? lane(own) } } }
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
