import type { E164 } from '@latchkey/contracts/phone'
import type { PendingAddressChange } from '@latchkey/contracts/internal/account-changes'
import type { Challenge, User } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { createNotify, type PrepareNotice } from './change-notice.js'
import type { GuessPassword } from './guess-password.js'
import type { ChallengePolicy } from './policy.js'
import type { Caller, RefuseStopped, SignedInCaller, SmsQueue, Users } from './ports.js'
import { type ShownAgain, showAgain } from './shown-again.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface ChangePhoneDeps {
  readonly users: Pick<Users, 'preparePhoneChange'>
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly prepareNotice: PrepareNotice
  readonly readPhone: ReadPhone
  readonly guessPassword: GuessPassword
}

export type ChangePhone = (
  input: { readonly phone: string; readonly shown: ShownAgain },
  caller: SignedInCaller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/**
 * Sends a code to the phone an account is to have. Nothing changes before it is proved; the same answer where the number has an
 * account. Throws `credentials.wrong`, `forbidden`, `token.invalid`, `account.unverified`, `request.invalid`, `rate.limited`.
 */
export function createChangePhone(deps: ChangePhoneDeps): ChangePhone {
  const { users, withinBudget, refuseStopped, startChallenge, prepareNotice, readPhone, guessPassword } = deps

  return async function changePhone({ phone: text, shown }, caller, policy) {
    const phone = readPhone(text)
    await refuseStopped({ purposes: ['change_phone'], country: phone.country })
    const { sessionId } = caller
    const before = await showAgain(shown, caller, guessPassword, (again) =>
      users.preparePhoneChange({ sessionId }, again, caller),
    )
    if (before.phone === phone.e164) throw invalidField('/phone', 'is the phone of this account already')
    const prepared = await prepareNotice('change_phone', provedOf(before), caller, policy)
    const pending: PendingAddressChange = { sessionId, asOf: before.asOf, undo: prepared?.undo ?? null }
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

/** What of an account was proved, and so is told of changes. */
export const provedOf = ({ phone, email, emailProved }: Awaited<ReturnType<Users['preparePhoneChange']>>) => ({
  phone,
  email: emailProved === true ? (email ?? null) : null,
})

export interface CompletePhoneChangeDeps {
  readonly users: Pick<Users, 'checkPhoneChange' | 'changePhone'>
  readonly sms: Pick<SmsQueue, 'send'>
}

/**
 * Moves the account to the phone that a claim proves. The notice is queued first: a change whose owner cannot be told is not made.
 * Throws `challenge.gone`, `account.exists`, `unavailable`.
 */
export function createCompletePhoneChange({ users, sms }: CompletePhoneChangeDeps) {
  const notify = createNotify({ sms })
  return async function completePhoneChange(
    phone: E164,
    { sessionId, asOf, undo }: PendingAddressChange,
    proof: { readonly challengeId: string; readonly claimLapsed?: boolean },
    caller: Caller,
  ): Promise<User> {
    const change = { phone, sessionId, asOf }
    if (undo !== null) {
      // Nobody is told of a change that will not be made, and its refusal ends the challenge: no change is made untold.
      await users.checkPhoneChange(change, caller)
      await notify('change_phone', undo.notice, caller)
    }
    const { user } = await users.changePhone({ ...proof, ...change, undoToken: undo?.token ?? null }, caller)
    return user
  }
}
