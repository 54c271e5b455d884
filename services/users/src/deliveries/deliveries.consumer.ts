import { deliveryEventQueue, type Receipt } from '@latchkey/contracts/queues/delivery-event'
import { AppError } from '@latchkey/kit/app-error'
import { type Consumer, createConsumer, type Verdict } from '@latchkey/kit/queue'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.service.js'
import type { OptOuts } from '../opt-outs/opt-outs.service.js'
import type { Deliveries } from './deliveries.service.js'

interface DeliveryConsumerNeeds {
  readonly redis: Redis
  readonly prefix: string
  readonly deliveries: Deliveries
  readonly optOuts: Pick<OptOuts, 'record'>
  readonly audit: Pick<Audit, 'hear'>
  readonly log: Logger
  readonly retryMs?: number
}

/** Writes down what the worker and the carriers report. While the database is away the events wait in the queue. */
export function createDeliveryConsumer({
  redis,
  prefix,
  deliveries,
  optOuts,
  audit,
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
        else if (event.kind === 'receipt') {
          if (!(await deliveries.receive(event))) return later(event, log)
        } else if (event.kind === 'batch') await deliveries.recordAll(event.events)
        else if (event.kind === 'act') await audit.hear(event)
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

/** By then the worker has told of every call that it heard the end of. */
const longestWaitMs = 3_600_000

/** A carrier may be faster than its own answer: what it says of a message nobody knows comes again, later each time. */
function later({ provider, providerMessageId, at }: Receipt, log: Logger): Verdict {
  const ageMs = Date.now() - Date.parse(at)
  if (ageMs < longestWaitMs) return { then: 'again', afterMs: Math.max(1_000, ageMs / 2) }
  log.info({ provider, providerMessageId }, 'a receipt of no message of ours was put away')
  return { then: 'done' }
}
