import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore, FoundBy, Numbers } from '../challenges/challenge.js'
import { tooSoon } from './accounts.js'
import { onceQueued } from './once-queued.js'
import type { ChallengePolicy } from './policy.js'
import type { FaceCaller, SmsQueue } from './ports.js'
import { isWithoutEffect, queuedMessage } from './start-challenge.js'

export interface SendAgainDeps {
  readonly challenges: Pick<ChallengeStore, 'resend'>
  readonly sms: SmsQueue
  readonly numbers: Numbers
}

/** `found` says what a decoy stands for, and whether a known device asks: the send is counted there. */
export type SendAgain = (id: string, caller: FaceCaller, policy: ChallengePolicy, found?: FoundBy) => Promise<boolean>

/** Sends a live challenge of an address again; false where it ended meanwhile. Throws `rate.limited`, `challenge.resends_spent`, `unavailable`. */
export function createSendAgain({ challenges, sms, numbers }: SendAgainDeps): SendAgain {
  return async function sendAgain(id, caller, policy, found = { known: false }) {
    const resent = await onceQueued(() => challenges.resend(id, caller.face, policy, numbers, found), sms)
    switch (resent.verdict) {
      case 'gone':
        return false
      case 'held':
        throw tooSoon(new Date(Date.now() + 1_000))
      case 'spent':
        throw new AppError('challenge.resends_spent', { retryAt: resent.retryAt })
      case 'cooling':
      case 'resent':
        break
    }
    try {
      await sms.send(queuedMessage(resent.challenge), caller)
    } catch (error) {
      // Nothing was sent, so nothing is spent, and the code in hand stays the right one.
      if (isWithoutEffect(error) && resent.verdict === 'resent') await resent.takeBack().catch(() => undefined)
      throw error
    }
    return true
  }
}
