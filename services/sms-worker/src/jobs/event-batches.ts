import { randomUUID } from 'node:crypto'
import {
  deliveryBatchJobId,
  type DeliveryEvent,
  type deliveryEventQueue,
  mostEvents,
} from '@latchkey/contracts/queues/delivery-event'
import { AppError } from '@latchkey/kit/app-error'
import type { Producer } from '@latchkey/kit/queue'

type Events = Producer<typeof deliveryEventQueue.payload>

interface Waiting {
  readonly jobId: string
  readonly event: DeliveryEvent
  end(sent: Promise<void>): void
}

/** Long enough for several of a steady flow. A slot of the worker is held for it; where slots are short, a job is full sooner. */
const gatherMs = 100

/** The same queue, where what is told of messages at about the same time goes in one job. Each `add` ends as its job does. */
export function createEventBatches(events: Events): Events {
  let waiting: Waiting[] = []
  let timer: NodeJS.Timeout | undefined

  const sendOne = ({ jobId, event }: Waiting) => events.add(jobId, event)

  function send(): void {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    const [first, ...more] = batch
    if (first === undefined) return
    if (more.length === 0) return first.end(sendOne(first))
    const together = { v: 5, kind: 'batch', events: batch.map(({ event }) => event) } as const
    const sent = events.add(deliveryBatchJobId(randomUUID()), together)
    for (const one of batch)
      one.end(
        sent.catch((error: unknown) => {
          if (error instanceof AppError) throw error
          // One that does not fit its contract is nobody else's fault.
          return sendOne(one)
        }),
      )
  }

  return {
    ...events,
    add(jobId, event, options) {
      if ('kind' in event) return events.add(jobId, event, options)
      return new Promise((resolve) => {
        waiting.push({ jobId, event, end: resolve })
        if (waiting.length >= mostEvents) send()
        else timer ??= setTimeout(send, gatherMs)
      })
    },
    async close() {
      send()
      await events.close()
    },
  }
}
