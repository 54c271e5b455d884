import { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import { AppError } from '@latchkey/kit/app-error'
import { type Consumer, createConsumer } from '@latchkey/kit/queue'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { OptOuts } from '../opt-outs/opt-outs.service.js'
import type { Deliveries } from './deliveries.service.js'

interface DeliveryConsumerNeeds {
  readonly redis: Redis
  readonly prefix: string
  readonly deliveries: Deliveries
  readonly optOuts: Pick<OptOuts, 'record'>
  readonly log: Logger
  readonly retryMs?: number
}

/** Writes down what the worker and the carriers report. While the database is away the events wait in the queue. */
export function createDeliveryConsumer({
  redis,
  prefix,
  deliveries,
  optOuts,
  log,
  retryMs = 2_000,
}: DeliveryConsumerNeeds): Consumer {
  return createConsumer(deliveryEventQueue, {
    redis,
    prefix,
    log,
    concurrency: 4,
    handle: async (event) => {
      try {
        if (!('kind' in event)) await deliveries.record(event)
        else if (event.kind === 'receipt') await deliveries.receive(event)
        else await optOuts.record(event)
        return { then: 'done' }
      } catch (error) {
        // Not counted as a failure, so that an outage of any length loses nothing.
        if (error instanceof AppError && error.code === 'unavailable') return { then: 'again', afterMs: retryMs }
        throw error
      }
    },
  })
}
