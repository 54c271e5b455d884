import { traceQueue } from '@latchkey/contracts/queues/trace'
import { AppError } from '@latchkey/kit/app-error'
import { type Consumer, createConsumer } from '@latchkey/kit/queue'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import type { Traces } from './traces.service.js'

interface TraceConsumerNeeds {
  readonly redis: Redis
  readonly prefix: string
  readonly traces: Pick<Traces, 'record'>
  readonly log: Logger
  readonly retryMs?: number
}

/** Writes down what gateways decided. While the database is away the events wait in the queue. */
export function createTraceConsumer({ redis, prefix, traces, log, retryMs = 2_000 }: TraceConsumerNeeds): Consumer {
  return createConsumer(traceQueue, {
    redis,
    prefix,
    log,
    concurrency: 2,
    handle: async (batch) => {
      try {
        await traces.record(batch)
        return { then: 'done' }
      } catch (error) {
        if (error instanceof AppError && error.code === 'unavailable') return { then: 'again', afterMs: retryMs }
        throw error
      }
    },
  })
}
