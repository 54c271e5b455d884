import type { DeliveryReason, DeliveryState } from '@latchkey/contracts/delivery'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'
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
  /** Those that the log must not hear of later than of that one. */
  readonly others?: readonly DeliveryAttempt[]
}

/** Tells users what became of messages. Throws `unavailable` where the event could not be queued: the job must come again. */
export interface DeliveryReport {
  state(job: SmsJob, state: DeliveryState, remark?: Remark): Promise<void>
  /** Every attempt the log does not have yet, together. Of an unknown one it is told once it is `final`: nobody will ask again. */
  attempts(job: SmsJob, view: FenceView, options: { final: boolean }): Promise<void>
  /** A carrier refused a number because it had told it STOP: `number` is its keyed hash. */
  optedOut(job: SmsJob, attempt: FencedAttempt, number: string): Promise<void>
}

/** In words for operators; undefined where nobody says. */
export type Explain = (provider: string, code: string) => string | undefined

interface ReportDeps {
  readonly events: Producer<typeof deliveryEventQueue.payload>
  readonly fence: AttemptFence
  /** What a carrier means by a code. */
  readonly explain: Explain
}

export function createDeliveryReport({ events, fence, explain }: ReportDeps): DeliveryReport {
  async function state(job: SmsJob, to: DeliveryState, { others = [], ...remark }: Remark = {}): Promise<void> {
    const { messageId, challengeId, generation, purpose, country, requestId } = job
    const at = new Date().toISOString()
    const event: DeliveryEvent = {
      v: others.length > 0 ? 3 : 1,
      messageId,
      challengeId,
      generation,
      purpose,
      country,
      requestId,
      state: to,
      at,
      ...remark,
      ...(others.length > 0 && { others: [...others] }),
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
      const told: TriedAttempt[] = []
      for (const attempt of due) {
        const { result } = attempt
        if (result !== undefined && (final || result.outcome !== 'unknown')) told.push({ ...attempt, result })
        else if (settled === undefined) break
      }
      const last = told.at(-1)
      if (last === undefined) return
      const main = told.find(({ number }) => number === settled?.number) ?? last
      const states = told.map((attempt) => stateOf(attempt.result.outcome, attempt.number === settled?.number))
      const to = states.reduce((a, b) => (deliveryRanks[b] > deliveryRanks[a] ? b : a))
      const { reason } = settled?.result?.outcome === 'rejected' ? settled.result : {}
      await state(job, to, {
        attempt: toLog(main, explain),
        others: told.filter((each) => each !== main).map((each) => toLog(each, explain)),
        ...(reason !== undefined && to === 'rejected' && { reason }),
      })
      // What decided the message is told again, with the same id, however often its job comes: nothing to write down.
      if (settled === undefined && last.number > view.reported) await fence.markReported(job.messageId, last.number)
    },
  }
}

type Result = NonNullable<FencedAttempt['result']>
type TriedAttempt = FencedAttempt & { readonly result: Result }

/** The state of the message as far as this attempt goes: one that left nothing behind, and did not decide, goes on being sent. */
function stateOf(outcome: Result['outcome'], decided: boolean): DeliveryState {
  return outcome === 'not_sent' || (outcome === 'rejected' && !decided) ? 'sending' : outcome
}

function toLog({ number, provider, startedAtMs, result }: TriedAttempt, explain: Explain): DeliveryAttempt {
  const { outcome, endedAtMs } = result
  const carrierCode = 'carrierCode' in result ? result.carrierCode : undefined
  const says = carrierCode === undefined ? undefined : explain(provider, carrierCode)
  return {
    number,
    provider,
    outcome,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    ...('providerMessageId' in result && { providerMessageId: result.providerMessageId }),
    ...(carrierCode !== undefined && { carrierCode }),
    ...(says !== undefined && { says }),
  }
}
