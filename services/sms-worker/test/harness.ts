import { randomBytes, randomUUID } from 'node:crypto'
import { challengeKey, type ChallengeMessage, messageContext } from '@latchkey/contracts/challenge-record'
import {
  type DeliveryBatch,
  type DeliveryEvent,
  deliveryEventJobId,
  deliveryEventQueue,
} from '@latchkey/contracts/queues/delivery-event'
import { smsClasses, type SmsJob, smsJobId, smsQueue } from '@latchkey/contracts/queues/sms'
import { parseKeyRing } from '@latchkey/kit/key-ring'
import { createLog } from '@latchkey/kit/log'
import { createMetrics } from '@latchkey/kit/ops'
import { createSealer } from '@latchkey/kit/seal'
import { createShardedIds } from '@latchkey/kit/sharded-id'
import { eventually, testStores } from '@latchkey/kit/testing'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { loadWorkerConfig } from '../src/config.js'
import { createDeps } from '../src/deps.js'
import type { SmsProvider } from '../src/providers/provider.js'
import { createLane, type Lane } from '../src/routing/lane.js'
import { createLaneHealth, type LaneTimes, type Why } from '../src/routing/lane-health.js'
import { accountSid, authToken, customerId, email, ourNumber, password, senderId, type StandIn } from './stand-in.js'

const key = () => `k1:${randomBytes(32).toString('base64')}`

/** Keys and the store a worker is told. */
export function workerEnv(redisUrl = testStores().redisUrl): Record<string, string> {
  return {
    NODE_ENV: 'development',
    LOG_LEVEL: 'info',
    REDIS_URL: redisUrl,
    SEAL_KEYS: key(),
    CHALLENGE_ID_KEY: key(),
    OPT_OUT_KEY: key(),
  }
}

export const twilioEnv = ({ url }: Pick<StandIn, 'url'>): Record<string, string> => ({
  TWILIO_ACCOUNT_SID: accountSid,
  TWILIO_AUTH_TOKEN: authToken,
  TWILIO_PHONE_NUMBER: ourNumber,
  TWILIO_API_BASE_URL: url,
})

export const centralEnv = ({ url }: Pick<StandIn, 'url'>): Record<string, string> => ({
  MESSAGECENTRAL_CUSTOMER_ID: customerId,
  MESSAGECENTRAL_SENDER_ID: senderId,
  MESSAGECENTRAL_EMAIL: email,
  MESSAGECENTRAL_PASSWORD: password,
  MESSAGECENTRAL_API_BASE_URL: url,
})

/** A lane without a pace, and what was told of its going and coming. */
export function laneOf(provider: SmsProvider, times: Partial<LaneTimes> = {}): Lane & { readonly news: string[] } {
  const news: string[] = []
  const onChange = (why: Why, out: boolean) => void news.push(`${why} ${out ? 'out' : 'back'}`)
  const health = createLaneHealth({ times, onChange })
  return { ...createLane({ provider, health, observe: () => undefined }), news }
}

interface Wanted {
  readonly message: ChallengeMessage
  readonly generation?: number
  readonly lifeMs?: number
  /** Where it differs from the challenge's. */
  readonly notAfterMs?: number
  readonly purpose?: SmsJob['purpose']
}

/** What stands before and behind a worker: challenges as the gateway writes them, both queues. */
export function createSurroundings(t: Test, env: Record<string, string>, prefix: string) {
  const redis = new Redis(env['REDIS_URL'] ?? '')
  const sealer = createSealer(parseKeyRing(env['SEAL_KEYS'] ?? ''))
  const ids = createShardedIds(parseKeyRing(env['CHALLENGE_ID_KEY'] ?? '')[0])
  const connection = new Redis(env['QUEUE_REDIS_URL'] ?? env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null })
  const sms = new Queue<SmsJob>(smsQueue.name, { connection, prefix })
  const log = new Queue<DeliveryEvent | DeliveryBatch>(deliveryEventQueue.name, { connection, prefix })
  t.teardown(async () => {
    await sms.obliterate({ force: true })
    await log.obliterate({ force: true })
    redis.disconnect()
    connection.disconnect()
  })
  const recordKey = ({ challengeId }: Pick<SmsJob, 'challengeId'>) =>
    challengeKey(ids.shardOf(challengeId), challengeId)

  const events = async ({ messageId }: Pick<SmsJob, 'messageId'>): Promise<DeliveryEvent[]> => {
    const jobs = await log.getJobs(['waiting', 'prioritized', 'delayed', 'active', 'completed'], 0, -1, true)
    const told = jobs
      .flatMap(({ data }) => ('events' in data ? data.events : [data]))
      .filter((event) => event.messageId === messageId)
    // What is told again changes nothing, as in the log.
    return told.filter(
      (event, at) => at === told.findIndex((one) => deliveryEventJobId(one) === deliveryEventJobId(event)),
    )
  }
  return {
    redis,
    sealer,
    ids,
    sms,
    log,
    events,
    /** Opens a challenge and gives the job that refers to it, not yet queued. */
    async open({ message, generation = 1, lifeMs = 60_000, notAfterMs = lifeMs, purpose = 'sign_in' }: Wanted) {
      const job: SmsJob = {
        v: 1,
        messageId: randomUUID(),
        challengeId: ids.create(randomBytes(2).toString('hex').slice(1)),
        generation,
        purpose,
        notAfter: new Date(Date.now() + notAfterMs).toISOString(),
        country: 'IN',
        requestId: randomUUID(),
      }
      await redis.hset(recordKey(job), {
        state: 'live',
        generation,
        expiresAt: Date.now() + lifeMs,
        box: sealer.seal(JSON.stringify(message), messageContext(job.challengeId, generation)),
        locale: 'en',
      })
      await redis.pexpire(recordKey(job), 600_000)
      return job
    },
    change: async (job: SmsJob, fields: Record<string, string | number>) =>
      void (await redis.hset(recordKey(job), fields)),
    remove: async (job: SmsJob) => void (await redis.del(recordKey(job))),
    async queue(job: SmsJob, options: { priority?: number; timestamp?: number; delay?: number } = {}) {
      await sms.add(smsQueue.name, job, {
        jobId: smsJobId(job.messageId),
        priority: smsClasses[job.purpose],
        attempts: 3,
        ...options,
      })
    },
    /** Waits until the log has this state of the message, and gives all its events. */
    until: async (job: SmsJob, state: DeliveryEvent['state'], withinMs = 30_000) => {
      let seen: readonly string[] = []
      const look = async () => {
        const all = await events(job)
        seen = all.map((event) => event.state)
        return seen.includes(state) && all
      }
      return eventually(state, look, withinMs).catch((cause: unknown) => {
        throw new Error(`the log of ${job.messageId} has [${seen.join()}] and never ${state}`, { cause })
      })
    },
    finished: (job: SmsJob) =>
      eventually(
        'the job to end',
        async () => (await sms.getJobState(smsJobId(job.messageId))) === 'completed',
        40_000,
      ),
  }
}

interface WorkerOptions {
  readonly clockOffsetMs?: number
  readonly carrierTimeoutMs?: number
  readonly laneTimes?: Partial<LaneTimes>
}

/** A worker in this process, on a queue of its own; several of them may share the queue. */
export function createWorker(t: Test, env: Record<string, string>, prefix: string, options: WorkerOptions = {}) {
  const config = loadWorkerConfig(env)
  const log = createLog('test', 'fatal')
  const metrics = createMetrics('test')
  const steps: (() => unknown)[] = []
  const scope = {
    defer: (_name: string, close: () => unknown) => void steps.push(close),
    fail: (error: Error) => t.fail(error.message),
    started: () => true,
  }
  const deps = createDeps(config, { scope, log, metrics, prefix, carrierTimeoutMs: 1_200, ...options })
  let closed = false
  const close = async () => {
    if (closed) return
    closed = true
    await deps.consumer.close()
    for (const step of steps.reverse()) await step()
  }
  t.teardown(close)
  return { ...deps, metrics, close }
}

/** The attempts that events tell of, in their order. */
export const attemptsIn = (events: readonly DeliveryEvent[]) =>
  events
    .flatMap(({ others = [], attempt }) => [...others, ...(attempt === undefined ? [] : [attempt])])
    .toSorted((a, b) => a.number - b.number)
export const randomPrefix = (): string => `{t${randomBytes(6).toString('hex')}}`
export const codeFor = (to: string, code = '483921') => ({ kind: 'code', to, code }) as ChallengeMessage
