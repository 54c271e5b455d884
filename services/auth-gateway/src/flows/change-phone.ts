import { randomInt } from 'node:crypto'
import type { PendingPhoneChange } from '@latchkey/contracts/internal/account-changes'
import type { E164 } from '@latchkey/contracts/phone'
import type { Challenge, User } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import type { ChallengeStore, Claim, NewChallenge } from '../challenges/challenge.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import type { ChallengePolicy } from './policy.js'
import type { GuessPassword } from './guess-password.js'
import type { Caller, RefuseStopped, SignedInCaller, SmsQueue, Users } from './ports.js'
import { reachable } from './reachable.js'
import { type ShownAgain, showAgain } from './shown-again.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface ChangePhoneDeps {
  readonly users: Pick<Users, 'preparePhoneChange'>
  readonly challenges: Pick<ChallengeStore, 'open' | 'cancel'>
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
  readonly guessPassword: GuessPassword
}

export type ChangePhone = (
  input: { readonly phone: string; readonly shown: ShownAgain },
  caller: SignedInCaller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/** Of a notice, past the last moment its change can be made: carriers may be away then. */
const noticeLifeSeconds = 3_600

const letters = 'abcdefghijklmnopqrstuvwxyz'
const newUndoToken = () => Array.from({ length: 28 }, () => letters[randomInt(letters.length)]).join('')

/**
 * Sends a code to the phone an account is to have. Nothing changes before it is proved; the same answer where the number has an
 * account. Throws `credentials.wrong`, `forbidden`, `token.invalid`, `account.unverified`, `request.invalid`, `rate.limited`.
 */
export function createChangePhone(deps: ChangePhoneDeps): ChangePhone {
  const { users, challenges, withinBudget, refuseStopped, startChallenge, readPhone, guessPassword } = deps

  /** The notice to the old phone, ready to be queued once the new one is proved. It can be answered by nobody. */
  async function prepareNotice(to: E164, caller: Caller, policy: ChallengePolicy) {
    const country = reachable(readPhone, to)?.country
    if (country === undefined) return undefined
    const undoToken = newUndoToken()
    const longestSeconds = policy.codeLifeSeconds * (policy.resends + 1)
    const wanted: NewChallenge = {
      purpose: 'change_phone',
      policy: { ...policy, codeLifeSeconds: longestSeconds + noticeLifeSeconds },
      subject: to,
      face: caller.face,
      // Not the language of whoever asks: he may not be the owner.
      locale: '',
      // Nobody can be kept from being told by using up the limits of his number; it costs a proof of another number each time.
      limited: false,
      known: false,
      message: { kind: 'phone_changed', to, undoToken },
      shownTo: null,
      country,
      pending: undefined,
    }
    const opened = await challenges.open(wanted)
    if (opened.verdict !== 'opened') throw new AppError('unavailable')
    const { challenge } = opened
    const notice = {
      challengeId: challenge.id,
      messageId: challenge.messageId,
      country,
      expiresAt: challenge.expiresAt.toISOString(),
    }
    return {
      undo: { token: undoToken, notice },
      takeBack: () => challenges.cancel(challenge, wanted, { refund: false }),
    }
  }

  return async function changePhone({ phone: text, shown }, caller, policy) {
    const phone = readPhone(text)
    await refuseStopped({ purposes: ['change_phone'], country: phone.country })
    const { sessionId } = caller
    const before = await showAgain(shown, caller, guessPassword, (again) =>
      users.preparePhoneChange({ sessionId }, again, caller),
    )
    if (before.phone === phone.e164) throw invalidField('/phone', 'is the phone of this account already')
    const prepared = before.phone === null ? undefined : await prepareNotice(before.phone, caller, policy)
    const pending: PendingPhoneChange = { sessionId, asOf: before.asOf, undo: prepared?.undo ?? null }
    try {
      const challenge = await withinBudget.first({ phone }, caller, (judged) =>
        startChallenge(
          {
            purpose: 'change_phone',
            policy,
            phone,
            identifier: phone.e164,
            says: 'code',
            addressShown: true,
            judged,
            pending,
          },
          caller,
        ),
      )
      return publicChallenge(challenge)
    } catch (error) {
      await prepared?.takeBack().catch(() => undefined)
      throw error
    }
  }
}

export interface CompletePhoneChangeDeps {
  readonly users: Pick<Users, 'checkPhoneChange' | 'changePhone'>
  readonly sms: Pick<SmsQueue, 'send'>
}

/**
 * Moves the account to the phone that a claim proves. The notice is queued first: a change whose owner cannot be told is not made.
 * Throws `challenge.gone`, `account.exists`, `unavailable`.
 */
export function createCompletePhoneChange({ users, sms }: CompletePhoneChangeDeps) {
  return async function completePhoneChange(
    claim: Claim,
    { sessionId, asOf, undo }: PendingPhoneChange,
    proof: { readonly challengeId: string; readonly claimLapsed?: boolean },
    caller: Caller,
  ): Promise<User> {
    const { phone } = claim
    const change = { phone, sessionId, asOf }
    if (undo !== null) {
      // Nobody is told of a change that will not be made, and its refusal ends the challenge: no change is made untold.
      await users.checkPhoneChange(change, caller)
      await notify(undo.notice, caller)
    }
    const { user } = await users.changePhone({ ...proof, ...change, undoToken: undo?.token ?? null }, caller)
    return user
  }

  async function notify(notice: NonNullable<PendingPhoneChange['undo']>['notice'], caller: Caller): Promise<void> {
    const message = {
      ...notice,
      generation: 1,
      purpose: 'change_phone' as const,
      expiresAt: new Date(notice.expiresAt),
    }
    await sms.send(message, caller).catch((cause: unknown) => {
      // Whether it was queued or not, the phone is as it was: the code can be answered again, and the message keeps its id.
      throw new AppError('unavailable', { cause, effect: 'none' })
    })
  }
}
