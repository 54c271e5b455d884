import {
  DeliveryBatch,
  DeliveryEvent,
  deliveryEventQueue,
  OptOutChange,
  Receipt,
} from '@latchkey/contracts/queues/delivery-event'
import { SmsJob, smsQueue } from '@latchkey/contracts/queues/sms'
import type { TObject } from 'typebox'
import { Value } from 'typebox/value'

/** What this product writes down of a failure, and what BullMQ says itself. None quotes what a job holds. */
const known: readonly RegExp[] = [
  /^handler failed \(\w+\); see the log for job [\w.-]+$/,
  /^[\w-]+ [\w.-]*: the payload is not readable$/,
  /^job (?:stalled|started) more than allowable limit$/,
]

const untold = 'not told here: see the log'

/** Why a job failed, as far as it may be shown: a sentence that might quote somebody is not. */
export function shownReason(reason: unknown): string {
  return typeof reason === 'string' && known.some((sentence) => sentence.test(reason)) ? reason : untold
}

const payloads: Readonly<Record<string, readonly TObject[]>> = {
  [smsQueue.name]: [SmsJob],
  [deliveryEventQueue.name]: [DeliveryEvent, Receipt, OptOutChange, DeliveryBatch],
}
const requestIdPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What a job of a queue holds, as far as its contract knows it: a payload of another shape may hold anything. */
export function shownData(queue: string, data: unknown): Record<string, unknown> {
  const schema = payloads[queue]?.find((candidate) => Value.Check(candidate, data))
  if (schema === undefined || typeof data !== 'object' || data === null) return { payload: untold }
  const entries = Object.entries(data).filter(([name]) => name in schema.properties)
  return Object.fromEntries(entries.map(([name, value]: [string, unknown]) => [name, shownField(queue, name, value)]))
}

function shownField(queue: string, name: string, value: unknown): unknown {
  if (name === 'events' && Array.isArray(value)) return value.map((event) => shownData(queue, event))
  // The one field that takes any text: it is shown where it is one of ours.
  return name === 'requestId' && !requestIdPattern.test(String(value)) ? untold : value
}

/** What BullMQ knows of a job beside its payload. */
const shownOptions = ['attempts', 'backoff', 'delay', 'jobId', 'priority', 'removeOnComplete', 'removeOnFail']

const rewritten: Readonly<Record<string, (value: unknown) => unknown>> = {
  failedReason: (value) => (value === undefined || value === null ? value : shownReason(value)),
  // Of the frames of our own code nothing is kept in a queue; whatever stands there came from elsewhere.
  stacktrace: () => [],
  progress: (value) => (typeof value === 'number' ? value : 0),
  returnValue: () => null,
  returnvalue: () => null,
  opts: (value) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).filter(([name]) => shownOptions.includes(name)))
      : {},
}

/** An answer of the dashboard without what it cannot be made to leave out itself, however deep that stands. */
export function shownAnswer(answer: unknown): unknown {
  if (Array.isArray(answer)) return answer.map(shownAnswer)
  if (typeof answer !== 'object' || answer === null) return answer
  const shown = Object.fromEntries(
    Object.entries(answer).map(([name, value]) => {
      const rewrite = rewritten[name]
      return [name, rewrite === undefined ? shownAnswer(value) : rewrite(value)]
    }),
  )
  // In a flow the names of jobs are told as they stand.
  return 'queueName' in shown && 'name' in shown ? { ...shown, name: shown['queueName'] } : shown
}
