import { setTimeout as sleep } from 'node:timers/promises'
import type { QueueContract } from '@latchkey/contracts/queues/queue'
import { BullMQOtel } from 'bullmq-otel'
import { DelayedError, type Job, Queue, UnrecoverableError, Worker } from 'bullmq'
import type { Redis } from './redis.js'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { AppError } from './app-error.js'
import { isTracing } from './tracing.js'

/** The sending end of a queue. */
export interface Producer<P extends TSchema> {
  /** Adds a job once per id. Throws `unavailable`, at once where Redis is away; after a time-out the job may exist, and adding it again is harmless. */
  add(jobId: string, payload: Static<P>, options?: { priority?: number }): Promise<void>
  has(jobId: string): Promise<boolean>
  close(): Promise<void>
}

interface End {
  readonly redis: Redis
  readonly prefix: string
  readonly log: Logger
}

/** A job goes on with the trace of the work that added it. Batches are gathered over many requests, and part of none. */
const traced = ({ batches = false }: { readonly batches?: boolean }) =>
  isTracing() && !batches ? { telemetry: new BullMQOtel({ tracerName: 'latchkey' }) } : {}

/** Finished jobs stay an hour: an id is refused a second time only as long as its job exists. */
const keep = { removeOnComplete: { age: 3_600 }, removeOnFail: { age: 86_400 } }

/**
 * `redis` is a connection of `request` patience: somebody waits for the answer. Without `keepFinished` a job leaves nothing behind, and
 * its id may come again: for jobs that may be handled twice.
 */
export function createProducer<P extends TSchema>(
  contract: QueueContract<P>,
  { redis, prefix, log, keepFinished = true }: End & { readonly keepFinished?: boolean },
): Producer<P> {
  const queue = new Queue(contract.name, {
    connection: redis,
    prefix,
    ...traced(contract),
    // BullMQ asks for the version once; with no answer in time, this queue would refuse every job for as long as the process lives.
    skipVersionCheck: true,
    defaultJobOptions: {
      ...keep,
      ...(!keepFinished && { removeOnComplete: true }),
      attempts: 25,
      backoff: { type: 'exponential', delay: 1_000 },
    },
  })
  queue.on('error', (err) => log.debug({ err, queue: contract.name }, 'queue'))
  const fits = Compile(contract.payload)

  async function reach<T>(call: () => Promise<T>): Promise<T> {
    // BullMQ would wait for a connection; a request must not.
    if (redis.status !== 'ready') throw new AppError('unavailable')
    return call().catch((cause: unknown) => {
      // What Redis itself refuses (no memory, loading, read-only) was not done.
      const refused = cause instanceof Error && cause.name === 'ReplyError'
      throw new AppError('unavailable', { cause, effect: refused ? 'none' : 'unknown' })
    })
  }
  return {
    async add(jobId, payload, { priority } = {}) {
      if (!fits.Check(payload)) throw new Error(`a payload does not fit the queue ${contract.name}`)
      await reach(() => queue.add(contract.name, payload, { jobId, ...(priority !== undefined && { priority }) }))
    },
    has: (jobId) => reach(async () => (await queue.getJobState(jobId)) !== 'unknown'),
    close: () => queue.close(),
  }
}

/** What a handler wants done with its job. Thrown errors are for what nobody expected: they are retried with back-off. */
export type Verdict =
  | { readonly then: 'done' }
  | {
      readonly then: 'again'
      readonly afterMs: number
      readonly priority?: number
      /** Called once the job waits, so that whoever hears of it may bring it back earlier. */
      readonly waits?: () => Promise<void>
    }

export interface JobInfo {
  readonly id: string
  /** Starts so far, this one included. */
  readonly starts: number
  readonly queuedAt: Date
  readonly priority: number
  /** Aborted once the consumer closes: what can be left to another worker should be. */
  readonly closing: AbortSignal
}

interface ConsumerOptions<P extends TSchema> extends End {
  readonly concurrency: number
  readonly handle: (payload: Static<P>, job: JobInfo) => Promise<Verdict>
  /** Called for a job that will never be handled: it killed its workers, or kept throwing. Again and again while it throws `unavailable`. */
  readonly onDead?: (payload: Static<P>, job: JobInfo) => Promise<void>
}

export interface Consumer {
  start(): void
  /** Takes no new job, waits for those in hand. */
  close(): Promise<void>
  readonly running: boolean
}

// The defaults take 60 s to take over the job of a killed worker; these take about 12 s.
const takeover = { lockDuration: 10_000, stalledInterval: 3_000, maxStalledCount: 4 }
const newerVersionWaitMs = 5_000

/** The receiving end of a queue. `redis` is a connection of `consumer` patience. */
export function createConsumer<P extends TSchema>(
  contract: QueueContract<P>,
  { redis, prefix, log, concurrency, handle, onDead }: ConsumerOptions<P>,
): Consumer {
  const inHand = new Set<Promise<unknown>>()
  const stop = new AbortController()
  const closing = stop.signal
  const fits = Compile(contract.payload)
  const worker = new Worker(
    contract.name,
    async (job, token) => {
      const payload = read(contract, fits, job)
      // A worker that is older than its producer leaves the job to a newer one.
      const verdict: Verdict =
        payload === undefined
          ? { then: 'again', afterMs: newerVersionWaitMs }
          : await during(
              inHand,
              guarded(() => handle(payload, info(job, closing)), log, job),
            )
      if (verdict.then === 'done') return
      if (verdict.priority !== undefined) await job.changePriority({ priority: verdict.priority })
      await job.moveToDelayed(Date.now() + verdict.afterMs, token)
      // Without it the job comes back by itself.
      await verdict
        .waits?.()
        .catch((err: unknown) => log.debug({ err, jobId: job.id }, 'nobody heard that a job waits'))
      throw new DelayedError()
    },
    { connection: redis, prefix, concurrency, autorun: false, ...traced(contract), ...takeover },
  )
  worker.on('error', (err) => {
    // An outage is told once, by the connection; BullMQ repeats it with every try.
    if (redis.status === 'ready') log.warn({ err, queue: contract.name }, 'queue consumer')
  })
  worker.on('failed', (job, err) => {
    log.warn({ queue: contract.name, jobId: job?.id, err }, 'job failed')
    if (job === undefined || onDead === undefined) return
    const final =
      err instanceof UnrecoverableError ||
      err.name === 'UnrecoverableError' ||
      job.attemptsMade >= (job.opts.attempts ?? 1) ||
      job.finishedOn !== undefined
    const data: unknown = job.data
    if (final && fits.Check(data))
      void during(
        inHand,
        whileUnavailable(() => onDead(data, info(job, closing)), closing),
      ).catch((error: unknown) => log.error({ err: error, jobId: job.id }, 'a dead job was not written down'))
  })
  return {
    start: () =>
      void worker.run().catch((err: unknown) => log.error({ err, queue: contract.name }, 'queue consumer ended')),
    async close() {
      stop.abort()
      if (redis.status === 'ready') await worker.close()
      // BullMQ would wait for Redis to come back. What is in hand is finished; another worker takes its job over and meets the fence.
      await Promise.allSettled(inHand)
      if (redis.status !== 'ready') await worker.close(true)
    },
    get running() {
      return worker.isRunning()
    },
  }
}

async function during<T>(set: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  set.add(work)
  try {
    return await work
  } finally {
    set.delete(work)
  }
}

/** Tries again, later each time, while a store is away; when closing, once more. */
async function whileUnavailable(call: () => Promise<void>, closing: AbortSignal): Promise<void> {
  for (let pauseMs = 500; ; pauseMs = Math.min(2 * pauseMs, 15_000)) {
    const last = closing.aborted
    try {
      return await call()
    } catch (error) {
      if (last || !(error instanceof AppError) || error.code !== 'unavailable') throw error
    }
    await sleep(pauseMs, undefined, { signal: closing }).catch(() => undefined)
  }
}

const info = (job: Job, closing: AbortSignal): JobInfo => ({
  id: job.id ?? '',
  starts: job.attemptsStarted,
  queuedAt: new Date(job.timestamp),
  priority: job.priority,
  closing,
})

/** The payload; undefined for a version that is newer than ours. A misshapen one is dead at once, without being quoted. */
function read<P extends TSchema>(
  contract: QueueContract<P>,
  fits: { Check(data: unknown): data is Static<P> },
  job: Job,
): Static<P> | undefined {
  const data: unknown = job.data
  if (fits.Check(data)) return data
  const version = typeof data === 'object' && data !== null && 'v' in data ? data.v : undefined
  if (typeof version === 'number' && version > contract.version) return undefined
  throw new UnrecoverableError(`${contract.name} ${job.id ?? ''}: the payload is not readable`)
}

/** BullMQ stores the message and stack of what a handler throws, where dashboards show them: only the name of the error may go there. */
async function guarded<T>(call: () => Promise<T>, log: Logger, job: Job): Promise<T> {
  try {
    return await call()
  } catch (err) {
    log.error({ err, jobId: job.id }, 'handler failed')
    const shown = new Error(
      `handler failed (${err instanceof Error ? err.name : 'unknown'}); see the log for job ${job.id ?? ''}`,
    )
    shown.stack = shown.message
    throw shown
  }
}
