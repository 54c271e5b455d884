import type { Challenge } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore, Numbers } from '../challenges/challenge.js'
import { onceQueued } from './once-queued.js'
import type { ChallengePolicy } from './policy.js'
import { tooSoon } from './accounts.js'
import type { Caller, RefuseStopped, SmsQueue } from './ports.js'
import { isWithoutEffect, publicChallenge, queuedMessage } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface ResendChallengeDeps {
  readonly challenges: ChallengeStore
  readonly sms: SmsQueue
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly numbers: Numbers
}

export type ResendChallenge = (id: string, caller: Caller, policy: ChallengePolicy) => Promise<Challenge>

/** Sends a challenge again; wrong answers stay counted. Throws `challenge.gone`, `rate.limited`, `unavailable`. */
export function createResendChallenge({
  challenges,
  sms,
  withinBudget,
  refuseStopped,
  numbers,
}: ResendChallengeDeps): ResendChallenge {
  return async function resendChallenge(id, caller, policy) {
    const resent = await onceQueued(() => challenges.resend(id, caller.face, policy, numbers), sms)
    switch (resent.verdict) {
      case 'gone':
        throw new AppError('challenge.gone')
      case 'held':
        throw tooSoon(new Date(Date.now() + 1_000), 'This challenge is being answered; ask again in a second.')
      case 'spent':
        throw tooSoon(resent.retryAt, 'This challenge was sent as often as it may be. Start again for a new one.')
      case 'cooling':
      case 'resent':
        break
    }
    const { challenge, verdict } = resent
    const send = () => sms.send(queuedMessage(challenge), caller)
    const { purpose, country, shownTo } = challenge
    try {
      // Of a phone that the caller does not see its country says nothing either.
      await refuseStopped({ purposes: [purpose], ...(shownTo !== null && { country }), challengeId: id })
      // One whose job was lost was counted with its send.
      await (verdict === 'resent' ? withinBudget.again(challenge, caller, send) : send())
    } catch (error) {
      // Nothing was sent, so nothing is spent, and the code in hand stays the right one. Where the message may be queued, the next ask finds out.
      if (isWithoutEffect(error) && resent.verdict === 'resent') await resent.takeBack().catch(() => undefined)
      throw error
    }
    return publicChallenge(resent.challenge)
  }
}
