import { createHash } from 'node:crypto'
import type { DeliveryState } from '@latchkey/contracts/delivery'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'
import { type DeliveryEvent, deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import { smsClasses, type SmsJob, smsJobId, smsQueue } from '@latchkey/contracts/queues/sms'
import type { Producer } from '@latchkey/kit/queue'
import type { Job, Queue } from 'bullmq'
import type { Logger } from 'pino'
import { Value } from 'typebox/value'
import type { OpenChallenge } from '../messages/open-challenge.js'
import { type AttemptFence, possibleAccepts } from '../routing/attempt-fence.js'
import type { Doer, TellAct } from './acts.js'
import { shownReason } from './shown.js'

export type QueueName = 'sms' | 'delivery-event'

/** A job that nobody handles any more, as operators see it. Nothing in it can be read as a person. */
export interface DeadLetter {
  readonly queue: QueueName
  readonly id: string
  readonly about: string
  readonly failedAt: string
  readonly starts: number
  readonly why: string
  /** Why it cannot be retried; absent where it can. */
  readonly noRetry?: string
  /** Why it cannot be dropped; absent where it can. */
  readonly noDrop?: string
}

/** What became of a wish, in a sentence. */
export interface Done {
  readonly done: boolean
  readonly said: string
}

/** Dead jobs of both queues. Nothing is sent twice by them, nothing is lost without an end in the delivery log, and what is done stands in the audit. */
export interface DeadLetters {
  list(): Promise<readonly DeadLetter[]>
  retry(queue: QueueName, id: string, by: Doer): Promise<Done>
  drop(queue: QueueName, id: string, by: Doer): Promise<Done>
}

interface DeadLettersNeeds {
  readonly sms: Queue
  readonly events: Queue
  readonly send: Pick<Producer<typeof smsQueue.payload>, 'add'>
  readonly tell: Pick<Producer<typeof deliveryEventQueue.payload>, 'add'>
  readonly tellAct: TellAct
  readonly openChallenge: OpenChallenge
  readonly fence: Pick<AttemptFence, 'read'>
  readonly log: Logger
}

/** What can be done about one of them. */
interface Letter {
  readonly about: string
  readonly noRetry?: string
  readonly noDrop?: string
  retry(): Promise<string>
  drop(): Promise<string>
}

const most = 1_000
/** By then whoever was at work on a message is not any more. */
const stillUnderWayMs = 3_600_000

export function createDeadLetters({
  sms,
  events,
  send,
  tell,
  tellAct,
  openChallenge,
  fence,
  log,
}: DeadLettersNeeds): DeadLetters {
  const queues: Readonly<Record<QueueName, Queue>> = { sms, 'delivery-event': events }

  const unreadable = (job: Job): Letter => ({
    about: 'a payload that cannot be read',
    noRetry: 'nobody can read it',
    retry: async () => '',
    async drop() {
      await job.remove()
      return 'removed; it named no message, so nothing is written down'
    },
  })

  /** Why a message must not go out any more; undefined where it may. */
  async function overBy(job: SmsJob): Promise<string | undefined> {
    const challenge = await openChallenge(job)
    if (challenge.verdict !== 'open') return 'its code is dead'
    if (possibleAccepts(await fence.read(job.messageId)) > 0) return 'it may have been sent already'
    return challenge.message.kind === 'decoy' ? 'there is nothing to send' : undefined
  }

  /** Comes again with no life left: so it ends as every message ends whose code died, with what its carriers can still be asked. */
  async function end(job: Job, data: SmsJob): Promise<void> {
    const over = new Date(Math.min(Date.parse(data.notAfter), Date.now() - 60_000)).toISOString()
    await job.updateData({ ...data, notAfter: over })
    await job.retry('failed')
  }

  async function message(job: Job, data: SmsJob): Promise<Letter> {
    const noRetry = await overBy(data)
    return {
      about: `message ${data.messageId}: ${data.purpose}, ${data.country}`,
      ...(noRetry !== undefined && { noRetry }),
      async retry() {
        // The log has written the old one off. Always the same id: a second wish adds nothing.
        const messageId = successorOf(data.messageId)
        await send.add(smsJobId(messageId), { ...data, messageId }, { priority: smsClasses[data.purpose] })
        await end(job, data)
        return `goes out as message ${messageId}`
      },
      async drop() {
        await end(job, data)
        return 'ends unsent; the delivery log says so'
      },
    }
  }

  function report(job: Job, events: readonly DeliveryEvent[]): Letter {
    const [first] = events
    const more = events.length > 1 ? `, and ${events.length - 1} more` : ''
    return {
      about: `message ${first?.messageId}: ${first?.state}${more}`,
      ...(events.some(isUnderWay) && {
        noDrop: 'its message may still be under way: retry it, or drop it in an hour',
      }),
      retry: () => again(job),
      async drop() {
        for (const [at, event] of events.entries()) {
          const { attempt: _attempt, others: _others, ...plain } = event
          await tell.add(at === 0 ? `d-${job.id}` : `d-${job.id}-${at}`, { ...plain, v: 1, state: endOf(event.state) })
        }
        await job.remove()
        const states = [...new Set(events.map(({ state }) => endOf(state)))]
        return `removed; the delivery log says ${states.join(' and ')}, unless it knew better`
      },
    }
  }

  const again = async (job: Job): Promise<string> => {
    await job.retry('failed')
    return 'is tried again'
  }

  async function read(queue: QueueName, job: Job): Promise<Letter> {
    const data: unknown = job.data
    if (queue === 'sms') return Value.Check(smsQueue.payload, data) ? message(job, data) : unreadable(job)
    if (!Value.Check(deliveryEventQueue.payload, data)) return unreadable(job)
    if (!('kind' in data)) return report(job, [data])
    if (data.kind === 'batch') return report(job, data.events)
    if (data.kind === 'opt_out')
      return {
        about: `${data.word} of a number, told by ${data.provider}`,
        noDrop: 'what a person said is not dropped: mend users, and retry it',
        retry: () => again(job),
        drop: async () => '',
      }
    if (data.kind === 'act')
      return {
        about: `${data.action} by ${data.actor}`,
        noDrop: 'what an operator did is not dropped: mend users, and retry it',
        retry: () => again(job),
        drop: async () => '',
      }
    return {
      about: `receipt of ${data.provider}: ${data.state}`,
      retry: () => again(job),
      async drop() {
        await job.remove()
        return 'removed; without another word the message ends as unconfirmed a day after it was sent'
      },
    }
  }

  async function find(queue: QueueName, id: string): Promise<Job | undefined> {
    const job: Job | undefined = await queues[queue].getJob(id)
    return job !== undefined && (await job.isFailed()) ? job : undefined
  }

  async function act(
    what: 'retry' | 'drop',
    { queue, id, by }: { queue: QueueName; id: string; by: Doer },
  ): Promise<Done> {
    const job = await find(queue, id)
    if (job === undefined) return { done: false, said: 'there is no such dead letter' }
    const letter = await read(queue, job)
    const no = what === 'retry' ? letter.noRetry : letter.noDrop
    if (no !== undefined) return { done: false, said: no }
    await tellAct({ ...by, action: `dead_letter.${what}`, target: `${queue}:${id}`, about: letter.about })
    const said = await letter[what]()
    log.warn({ queue, jobId: id, what, said, who: by.actor }, 'a dead letter')
    return { done: true, said }
  }

  return {
    async list() {
      const found = await Promise.all(
        (['sms', 'delivery-event'] as const).map(async (queue) => {
          const jobs = await queues[queue].getFailed(0, most - 1)
          return Promise.all(jobs.map(async (job) => shown(queue, job, await read(queue, job))))
        }),
      )
      return found.flat().toSorted((a, b) => a.failedAt.localeCompare(b.failedAt))
    },
    retry: (queue, id, by) => act('retry', { queue, id, by }),
    drop: (queue, id, by) => act('drop', { queue, id, by }),
  }
}

const shown = (queue: QueueName, job: Job, { about, noRetry, noDrop }: Letter): DeadLetter => ({
  queue,
  id: job.id ?? '',
  about,
  failedAt: new Date(job.finishedOn ?? job.timestamp).toISOString(),
  starts: job.attemptsStarted,
  why: shownReason(job.failedReason),
  ...(noRetry !== undefined && { noRetry }),
  ...(noDrop !== undefined && { noDrop }),
})

/** Whether its worker may have more to say of the message. */
const isUnderWay = ({ at, state }: DeliveryEvent): boolean =>
  Date.now() - Date.parse(at) < stillUnderWayMs && deliveryRanks[state] < deliveryRanks.failed

/** The end of a message of which this is the last that is known, and of which nobody will hear any more. */
function endOf(state: DeliveryState): DeliveryState {
  if (deliveryRanks[state] >= deliveryRanks.failed) return state
  return state === 'queued' || state === 'sending' ? 'failed' : 'unconfirmed'
}

function successorOf(messageId: string): string {
  const hex = createHash('sha256').update(`again ${messageId}`).digest('hex')
  // The shape of an RFC 9562 version 8.
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
