import { setTimeout as sleep } from 'node:timers/promises'
import type { SmsJob } from '@latchkey/contracts/queues/sms'
import type { JobInfo, Verdict } from '@latchkey/kit/queue'
import { retryDelayMs } from '../routing/retry-schedule.js'
import type { Router } from '../routing/router.js'
import type { DeliveryReport } from './delivery-report.js'

/** A carrier's worst time is not imitated. */
const longestMs = 2_000

/** Moves the log as a real send would, without a call, and waits while real ones would: nobody can tell by it that the number has no account. */
export function createPlayDecoy({ router, report }: { router: Router; report: DeliveryReport }) {
  return async function playDecoy(job: SmsJob, { starts }: Pick<JobInfo, 'starts'>): Promise<Verdict> {
    const lane = router.firstLane()
    if (lane.ailing()) return { then: 'again', afterMs: retryDelayMs(starts) }
    const startedAt = new Date().toISOString()
    await sleep(Math.min(longestMs, lane.lastAcceptMs()))
    const endedAt = new Date().toISOString()
    await report.state(job, 'accepted', {
      attempt: { number: 1, provider: 'decoy', outcome: 'accepted', startedAt, endedAt },
    })
    const { endsAs } = lane.provider
    if (endsAs !== undefined) await report.state(job, endsAs)
    return { then: 'done' }
  }
}
