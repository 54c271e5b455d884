import { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import { lateClass, smsClasses, smsQueue } from '@latchkey/contracts/queues/sms'
import { oldestDelayedMs, oldestOfClassMs, oldestWaitingMs } from '@latchkey/kit/queue-age'
import type { Scope } from '@latchkey/kit/run'
import { Queue } from 'bullmq'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'

/** The classes in which codes wait. */
export const codeClasses = [...new Set(Object.values(smsClasses))]

/** Both queues as figures, the dashboard and dead letters see them. */
export function openQueues(redis: Redis, { scope, prefix, log }: { scope: Scope; prefix: string; log: Logger }) {
  const open = (name: string) => {
    // As for a producer: a version that is not told in time would leave it without figures for good.
    const queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true })
    queue.on('error', (err) => log.debug({ err }, 'queue figures'))
    scope.defer(`${name} figures`, () => queue.close())
    return queue
  }
  return { sms: open(smsQueue.name), events: open(deliveryEventQueue.name) }
}

/** What each class is called in figures. */
const classNames: ReadonlyMap<number, string> = new Map([
  [smsClasses.sign_in, 'sign_in'],
  [smsClasses.reset_password, 'reset'],
  [smsClasses.sign_up, 'sign_up'],
  [lateClass, 'late'],
])

/** What the metrics tell of the queue of messages, and of that of delivery events. */
export function queueFigures(redis: Redis, { sms, events }: ReturnType<typeof openQueues>, prefix: string) {
  const counts = (queue: Queue) => async () => {
    if (redis.status !== 'ready') return {}
    return queue.getJobCounts('waiting', 'prioritized', 'active', 'delayed', 'failed', 'completed')
  }
  return {
    oldestWaitingMs: () => oldestWaitingMs(smsQueue, redis, prefix, [...codeClasses, lateClass]),
    oldestRetryingMs: () => oldestDelayedMs(smsQueue, redis, prefix),
    oldestByClassMs: () =>
      Promise.all(
        [...classNames].map(
          async ([priority, name]) => [name, await oldestOfClassMs(smsQueue, redis, prefix, priority)] as const,
        ),
      ),
    oldestEventMs: () => oldestWaitingMs(deliveryEventQueue, redis, prefix, []),
    counts: counts(sms),
    eventCounts: counts(events),
  }
}
