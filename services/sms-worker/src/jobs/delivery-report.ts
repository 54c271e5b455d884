import type { DeliveryReason, DeliveryState } from '@latchkey/contracts/delivery'
import {
  type DeliveryAttempt,
  type DeliveryEvent,
  deliveryEventJobId,
  type deliveryEventQueue,
  type OptOutChange,
  optOutJobId,
} from '@latchkey/contracts/queues/delivery-event'
import type { SmsJob } from '@latchkey/contracts/queues/sms'
import type { Producer } from '@latchkey/kit/queue'
import { type AttemptFence, type FencedAttempt, type FenceView, settledAttempt } from '../routing/attempt-fence.js'

/** What there is to say beside the state. */
export interface Remark {
  readonly reason?: DeliveryReason
  readonly attempt?: DeliveryAttempt
}

/** Tells users what became of messages. Throws `unavailable` where the event could not be queued: the job must come again. */
export interface DeliveryReport {
  state(job: SmsJob, state: DeliveryState, remark?: Remark): Promise<void>
  /** Every attempt the log does not have yet. Of an unknown one it is told once it is `final`: nobody will ask again. */
  attempts(job: SmsJob, view: FenceView, options: { final: boolean }): Promise<void>
  /** A carrier refused a number because it had told it STOP: `number` is its keyed hash. */
  optedOut(job: SmsJob, attempt: FencedAttempt, number: string): Promise<void>
}

interface ReportDeps {
  readonly events: Producer<typeof deliveryEventQueue.payload>
  readonly fence: AttemptFence
}

export function createDeliveryReport({ events, fence }: ReportDeps): DeliveryReport {
  async function state(job: SmsJob, to: DeliveryState, remark: Remark = {}): Promise<void> {
    const { messageId, challengeId, generation, purpose, country, requestId } = job
    const at = new Date().toISOString()
    const event: DeliveryEvent = {
      v: 1,
      messageId,
      challengeId,
      generation,
      purpose,
      country,
      requestId,
      state: to,
      at,
      ...remark,
    }
    await events.add(deliveryEventJobId(event), event)
  }

  return {
    state,
    async optedOut({ messageId }, { provider, number: attempt }, number) {
      const source = `${messageId}-${attempt}`
      const at = new Date().toISOString()
      const event: OptOutChange = { v: 2, kind: 'opt_out', number, word: 'refused', provider, source, at }
      await events.add(optOutJobId(event), event)
    },
    async attempts(job, view, { final }) {
      const settled = settledAttempt(view, { end: final })
      const due = view.attempts.filter((attempt) => attempt.number > view.reported || attempt === settled)
      let upTo = view.reported
      for (const attempt of due) {
        const { result } = attempt
        if (result === undefined || (result.outcome === 'unknown' && !final)) {
          if (settled === undefined) break
          continue
        }
        const { reason } = result.outcome === 'rejected' ? result : {}
        const to = stateOf(result.outcome, attempt === settled)
        await state(job, to, {
          attempt: toLog(attempt, result),
          ...(reason !== undefined && to === 'rejected' && { reason }),
        })
        upTo = Math.max(upTo, attempt.number)
      }
      if (upTo > view.reported) await fence.markReported(job.messageId, upTo)
    },
  }
}

type Result = NonNullable<FencedAttempt['result']>

/** The state of the message as far as this attempt goes: one that left nothing behind, and did not decide, goes on being sent. */
function stateOf(outcome: Result['outcome'], decided: boolean): DeliveryState {
  return outcome === 'not_sent' || (outcome === 'rejected' && !decided) ? 'sending' : outcome
}

function toLog({ number, provider, startedAtMs }: FencedAttempt, result: Result): DeliveryAttempt {
  const { outcome, endedAtMs } = result
  return {
    number,
    provider,
    outcome,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    ...('providerMessageId' in result && { providerMessageId: result.providerMessageId }),
    ...('carrierCode' in result && { carrierCode: result.carrierCode }),
  }
}
