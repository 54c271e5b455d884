import type { FeedEntry } from '@latchkey/contracts/dev/feed'
import type { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import type { Producer } from '@latchkey/kit/queue'
import type { SealedStream } from '@latchkey/kit/sealed-stream'
import type { Logger } from 'pino'
import type { Explain } from '../jobs/delivery-report.js'
import type { SendSms } from '../jobs/send-sms.js'
import type { SmsProvider } from '../providers/provider.js'
import type { Why } from '../routing/lane-health.js'

type Events = Producer<typeof deliveryEventQueue.payload>

/** Puts an onlooker between the parts of the worker; what passes is the same. */
export interface Watch {
  provider(provider: SmsProvider): SmsProvider
  events(events: Events): Events
  handle(handle: SendSms['handle']): SendSms['handle']
  lane(name: string, tell: (why: Why, out: boolean) => void): (why: Why, out: boolean) => void
}

/** Nobody looks on: as in production. */
export const unwatched: Watch = {
  provider: (provider) => provider,
  events: (events) => events,
  handle: (handle) => handle,
  lane: (_name, tell) => tell,
}

/** Tells who looks on. */
export type Note = (entry: FeedEntry) => void

/** Writes what happens into a stream. What cannot be written is missed by who looks on, and by nobody else. */
export function createNote(stream: SealedStream, log: Logger): Note {
  return (entry) => void stream.add(entry).catch((err: unknown) => log.debug({ err }, 'the feed of development'))
}

/** Tells the feed of development what passes. */
export function createWatch({ note, explain }: { note: Note; explain: Explain }): Watch {
  const now = () => new Date().toISOString()
  return {
    provider: (provider) => ({
      ...provider,
      async send(message) {
        const { id: messageId, attempt = 1 } = message
        const about = { messageId, attempt, lane: provider.name }
        note({ kind: 'calling', ...about, at: now() })
        const since = performance.now()
        const result = await provider.send(message)
        const { reason, carrierCode } = { reason: undefined, carrierCode: undefined, ...result }
        const says = carrierCode === undefined ? undefined : explain(provider.name, carrierCode)
        note({
          kind: 'called',
          ...about,
          outcome: result.outcome,
          tookMs: Math.round(performance.now() - since),
          ...(reason !== undefined && { reason }),
          ...(carrierCode !== undefined && { carrierCode }),
          ...(says !== undefined && { says }),
          at: now(),
        })
        return result
      },
    }),
    events: (events) => ({
      ...events,
      async add(jobId, event, options) {
        // Noted while it is told: a batch is queued when more has happened.
        const added = events.add(jobId, event, options)
        if (!('kind' in event)) {
          const { messageId, state, reason, attempt, others = [], at } = event
          const attempts = [...others, ...(attempt === undefined ? [] : [attempt])]
          note({ kind: 'state', messageId, state, ...(reason !== undefined && { reason }), attempts, at })
        } else if (event.kind === 'receipt') {
          const { messageId, provider: lane, state, carrierCode, says, at } = event
          note({
            kind: 'receipt',
            lane,
            state,
            ...(messageId !== undefined && { messageId }),
            ...(carrierCode !== undefined && { carrierCode }),
            ...(says !== undefined && { says }),
            at,
          })
        }
        await added
      },
    }),
    handle: (handle) => async (job, info) => {
      const verdict = await handle(job, info)
      if (verdict.then === 'again')
        note({ kind: 'again', messageId: job.messageId, afterMs: Math.round(verdict.afterMs), at: now() })
      return verdict
    },
    lane: (lane, tell) => (why, out) => {
      tell(why, out)
      note({ kind: 'lane', lane, why, out, at: now() })
    },
  }
}
