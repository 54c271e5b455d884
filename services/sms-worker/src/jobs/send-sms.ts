import { type Address, isEmail } from '@latchkey/contracts/address'
import type { ChallengeMessage } from '@latchkey/contracts/challenge-record'
import type { DeliveryReason } from '@latchkey/contracts/delivery'
import { type E164, rangeOf } from '@latchkey/contracts/phone'
import { lateClass, smsClasses, type SmsJob } from '@latchkey/contracts/queues/sms'
import { AppError } from '@latchkey/kit/app-error'
import type { JobInfo, Verdict } from '@latchkey/kit/queue'
import type { Logger } from 'pino'
import { type OpenChallenge, type OpenedChallenge, recipient } from '../messages/open-challenge.js'
import type { Write } from '../messages/write.js'
import {
  type AttemptFence,
  type FenceView,
  lastAttempt,
  possibleAccepts,
  settledAttempt,
} from '../routing/attempt-fence.js'
import { giveUpLost } from '../routing/earlier-attempts.js'
import { retryDelayMs } from '../routing/retry-schedule.js'
import type { NoteLane } from '../routing/last-lane.js'
import type { OptOuts } from '../opt-outs/opt-outs.js'
import type { LookAtSwitches } from '../switchboard/switchboard.js'
import type { Round, Router } from '../routing/router.js'
import type { Place } from '../routing/waiting-room.js'
import type { DeliveryReport } from './delivery-report.js'
import { lateAfterMs } from './late-queue.js'
import type { Share } from './share.js'

export interface SendSmsDeps {
  readonly openChallenge: OpenChallenge
  readonly write: Write
  readonly fence: AttemptFence
  readonly router: Router
  readonly noteLane: NoteLane
  readonly report: DeliveryReport
  readonly optOuts: OptOuts
  readonly lookAtSwitches: LookAtSwitches
  readonly isLate: () => Promise<boolean>
  /** A number that is always the same of the subject of a challenge, and tells nothing of it. */
  readonly lotOf: (challengeId: string) => number
  /** The slots that classes behind sign-in and reset may take: a carrier that hangs would fill them all. */
  readonly share: Share
  /** Those of the same classes that find no room leave by it: a long queue is not turned over for nothing. */
  readonly turnstile: () => Promise<void>
  readonly observeAccept: (queuedAt: Date) => void
  readonly observeEnd: (state: string) => void
  readonly log: Logger
}

export interface SendSms {
  handle(job: SmsJob, info: JobInfo): Promise<Verdict>
  /** Writes down the end of a job that nobody will handle any more. */
  bury(job: SmsJob): Promise<void>
}

type Open = Extract<OpenedChallenge, { verdict: 'open' }>
type Dead = Exclude<OpenedChallenge, { verdict: 'open' }>
/** How a message ends of which nothing was ever possibly sent. */
type Unsent =
  | { readonly state: 'expired_unsent' | 'superseded_unsent' }
  | { readonly state: 'failed' | 'rejected'; readonly reason: DeliveryReason }

const optedOut: Unsent = { state: 'rejected', reason: 'opted_out' }
const stopped: Unsent = { state: 'failed', reason: 'stopped' }

/** The end of a message that must not go any more, and whom a carrier may still be asked about. */
interface Finish {
  readonly to: Address | undefined
  readonly ending: Unsent
}
type Later = Omit<Extract<Round, { verdict: 'again' }>, 'verdict'> & { readonly place: Place }
/** Of a message that really went to somebody. */
interface Settled {
  readonly info?: JobInfo
  readonly to?: E164
}

/** By which routes tell phones apart; mail has one way. */
function rangeIn(message: ChallengeMessage): string | undefined {
  if (message.kind === 'decoy') return message.range
  return isEmail(message.to) ? undefined : rangeOf(message.to)
}

function settledAs(message: ChallengeMessage, info: JobInfo): Settled {
  if (message.kind === 'decoy') return {}
  return isEmail(message.to) ? { info } : { info, to: message.to }
}

/** Does the work while something else is told; both have ended then, whatever came of either. */
async function beside<T>(told: Promise<void>, work: () => Promise<T>): Promise<T> {
  const [done, said] = await Promise.allSettled([work(), told])
  if (done.status === 'rejected') throw done.reason
  if (said.status === 'rejected') throw said.reason
  return done.value
}

const done: Verdict = { then: 'done' }
const again = (afterMs: number): Verdict => ({ then: 'again', afterMs })
const redisAwayMs = 1_000
/** The life that is left for a last try. */
const lastTryMs = 1_000

const unsent: Record<Dead['verdict'], Unsent> = {
  expired: { state: 'expired_unsent' },
  superseded: { state: 'superseded_unsent' },
  unreadable: { state: 'failed', reason: 'misconfigured' },
}

/** One job, top to bottom: is the code still worth sending? → fence → carrier → delivery log. Every job ends in a state of the log. */
export function createSendSms(deps: SendSmsDeps): SendSms {
  const {
    openChallenge,
    write,
    fence,
    router,
    noteLane,
    report,
    optOuts,
    isLate,
    lotOf,
    share,
    turnstile,
    observeAccept,
    log,
  } = deps

  /** An owner is told that his account has another phone or e-mail whatever is stopped: it is all he has against a thief. */
  const isStopped = async (job: SmsJob, { message }: Open): Promise<boolean> =>
    message.kind !== 'phone_changed' && message.kind !== 'email_changed' && (await deps.lookAtSwitches()).stops(job)

  async function sendSms(job: SmsJob, info: JobInfo): Promise<Verdict> {
    const challenge = await openChallenge(job)
    if (challenge.verdict !== 'open') {
      const to = challenge.verdict === 'expired' ? challenge.to : undefined
      return finishUnsendable(job, info, { to, ending: unsent[challenge.verdict] })
    }
    if (await isStopped(job, challenge))
      return finishUnsendable(job, info, { to: recipient(challenge.message), ending: stopped })
    const lifeMs = challenge.deadlineMs - challenge.nowMs
    if (info.priority !== lateClass && lifeMs < lateAfterMs && (await isLate()))
      return { then: 'again', afterMs: 0, priority: lateClass }

    return beside(report.state(job, 'sending'), async () => {
      if (challenge.wouldReach !== undefined && (await optOuts.has(challenge.wouldReach)))
        return finishUnsendable(job, info, { to: challenge.wouldReach, ending: optedOut })
      return deliver(job, info, challenge)
    })
  }

  async function deliver(job: SmsJob, info: JobInfo, open: Open): Promise<Verdict> {
    const since = performance.now()
    const { message, locale, deadlineMs, nowMs, lane } = open
    const place = { id: info.id, priority: info.priority, deadlineMs, queuedAt: info.queuedAt }
    const range = rangeIn(message)
    const words = message.kind === 'decoy' ? { body: '' } : write(message, job.purpose, locale)
    const round = await router.deliver({
      message: { id: job.messageId, to: recipient(message), ...words },
      destination: { country: job.country, ...(range === undefined ? { lot: lotOf(job.challengeId) } : { range }) },
      ...(lane !== undefined && { avoid: lane }),
      place,
      starts: info.starts,
      took: (name) => noteLane(job.challengeId, name),
      closing: info.closing,
      lifeLeft: async () => {
        const now = await openChallenge(job)
        return now.verdict === 'open' && !(await isStopped(job, now)) ? now.deadlineMs - now.nowMs : undefined
      },
    })
    switch (round.verdict) {
      case 'settled':
        return settle(job, round.view, settledAs(message, info))
      case 'refused':
        return end(job, { state: 'failed', reason: 'carrier_failed' })
      case 'unwanted':
        return again(0)
      case 'spent':
        return end(job, { state: 'failed', reason: 'carrier_failed' })
      case 'hopeless':
        return end(job, { state: 'failed', reason: round.reason })
      case 'again':
        return comeAgain(job, { ...round, place }, deadlineMs - nowMs - (performance.now() - since))
    }
  }

  /** A pause that would outlast the code, ours or one a carrier asked for, ends with one last try. */
  async function comeAgain(job: SmsJob, { afterMs, room, place }: Later, lifeMs: number): Promise<Verdict> {
    if (room !== undefined && lifeMs > 2 * lastTryMs) {
      // Nobody brings it back whose place was lost with a Redis that went back in time: it looks again, more often as its life ends.
      const lookMs = lifeMs > 4 * lastTryMs ? lifeMs / 2 : lifeMs - lastTryMs
      return { then: 'again', afterMs: lookMs, waits: () => room.join(place) }
    }
    const view = await reportProgress(job)
    if (lifeMs > 2 * lastTryMs) return again(Math.min(afterMs, lifeMs - lastTryMs))
    if (afterMs < lifeMs) return again(afterMs)
    // Nothing is sent any more, but what may have been is looked up.
    return possibleAccepts(view) > 0 ? again(Math.min(afterMs, 2 * lastTryMs)) : end(job, unsent.expired)
  }

  /** Nothing may be sent any more; what was tried before may still have to be written down. */
  async function finishUnsendable(job: SmsJob, { closing }: JobInfo, { to, ending }: Finish): Promise<Verdict> {
    const sought = { id: job.messageId, body: '', ...(to !== undefined && { to }) }
    const { waitMs } = await router.resolve(sought, closing)
    return waitMs > 0 ? again(waitMs) : end(job, ending)
  }

  async function reportProgress(job: SmsJob): Promise<FenceView> {
    const view = await fence.read(job.messageId)
    if (possibleAccepts(view) > 0) await report.state(job, 'unknown')
    await report.attempts(job, view, { final: false })
    return view
  }

  async function settle(job: SmsJob, view: FenceView, { info, to }: Settled = {}): Promise<Verdict> {
    const settled = settledAttempt(view, { end: true })
    await report.attempts(job, view, { final: true })
    if (settled === undefined) await report.state(job, 'unknown')
    const result = settled?.result
    note(job, result?.outcome ?? 'unknown', settled?.provider)
    const last = lastAttempt(view)
    if (last?.result?.outcome === 'rejected' && last.result.reason === 'opted_out' && to !== undefined)
      await report.optedOut(job, last, optOuts.nameOf(to))
    if (result?.outcome !== 'accepted') return done
    if (info !== undefined) observeAccept(info.queuedAt)
    const endsAs = router.laneNamed(settled?.provider ?? '')?.provider.endsAs
    if (endsAs !== undefined && result.endsOpen !== true) await report.state(job, endsAs)
    return done
  }

  /** No more tries. What may have been sent is `unknown` for good: a receipt may still tell. */
  async function end(job: SmsJob, ending: Unsent): Promise<Verdict> {
    await giveUpLost(fence, job.messageId, await fence.read(job.messageId))
    const view = await fence.read(job.messageId)
    if (settledAttempt(view, { end: true }) !== undefined) return settle(job, view)
    await report.attempts(job, view, { final: true })
    const maybeSent = possibleAccepts(view) > 0
    if (maybeSent) await report.state(job, 'unknown')
    else await report.state(job, ending.state, 'reason' in ending ? { reason: ending.reason } : {})
    note(job, maybeSent ? 'unknown' : ending.state)
    return done
  }

  function note({ messageId, requestId, purpose }: SmsJob, state: string, provider?: string): void {
    deps.observeEnd(state)
    log.info({ messageId, requestId, purpose, state, provider }, 'message')
  }

  async function inShare(job: SmsJob, info: JobInfo): Promise<Verdict> {
    if (info.priority < smsClasses.sign_up) return sendSms(job, info)
    const leave = await share.enter()
    const verdict = leave === undefined ? again(retryDelayMs(1)) : await sendSms(job, info).finally(leave)
    if (verdict.then === 'again') await turnstile()
    return verdict
  }

  return {
    handle: (job, info) =>
      inShare(job, info).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
        log.warn({ messageId: job.messageId, err: error }, 'a store is away; the job comes again')
        return again(redisAwayMs)
      }),
    bury: async (job) => void (await end(job, { state: 'failed', reason: 'carrier_failed' })),
  }
}
