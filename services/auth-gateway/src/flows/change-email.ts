import { type Email, maskEmail } from '@latchkey/contracts/address'
import type { PendingAddressChange } from '@latchkey/contracts/internal/account-changes'
import type { Challenge, User } from '@latchkey/contracts/v1/shapes'
import { invalidField } from '@latchkey/kit/app-error'
import { readMailbox } from './accounts.js'
import { createNotify, type PrepareNotice } from './change-notice.js'
import { provedOf } from './change-phone.js'
import type { GuessPassword } from './guess-password.js'
import type { ChallengePolicy } from './policy.js'
import type { Caller, RefuseStopped, SignedInCaller, SmsQueue, Users } from './ports.js'
import { type ShownAgain, showAgain } from './shown-again.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface ChangeEmailDeps {
  readonly users: Pick<Users, 'preparePhoneChange' | 'getSessionUser'>
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly prepareNotice: PrepareNotice
  readonly guessPassword: GuessPassword
  readonly canMail: boolean
}

export type ChangeEmail = (
  input: { readonly email: string; readonly shown: ShownAgain },
  caller: SignedInCaller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/**
 * Mails a code to the address an account is to have. Nothing changes before it is proved; the same answer where the address has an account.
 * Throws `credentials.wrong`, `forbidden`, `token.invalid`, `account.unverified`, `request.invalid` (where no mail can be sent too), `rate.limited`.
 */
export function createChangeEmail(deps: ChangeEmailDeps): ChangeEmail {
  const { users, withinBudget, refuseStopped, startChallenge, prepareNotice, guessPassword, canMail } = deps

  return async function changeEmail({ email: text, shown }, caller, policy) {
    const email = readMailbox(text)
    const { sessionId } = caller
    if (!canMail) {
      // An address is only ever changed to one that is proved.
      await users.getSessionUser({ sessionId }, undefined, caller)
      throw invalidField('/email', 'cannot be proved: no mail can be sent here')
    }
    await refuseStopped({ purposes: ['verify_email'] })
    const before = await showAgain(shown, caller, guessPassword, (again) =>
      users.preparePhoneChange({ sessionId }, again, caller),
    )
    const proved = provedOf(before)
    if (proved.email === email) throw invalidField('/email', 'is the proved e-mail of this account already')
    // Who proves the address that his account had all the time takes nothing from anybody.
    const changes = before.email !== email
    const prepared = changes ? await prepareNotice('verify_email', proved, caller, policy) : undefined
    const pending: PendingAddressChange = { sessionId, asOf: before.asOf, undo: prepared?.undo ?? null }
    try {
      const challenge = await withinBudget.first({ phone: null }, caller, (judged) =>
        startChallenge(
          {
            purpose: 'verify_email',
            policy,
            phone: null,
            mail: { to: email },
            identifier: email,
            says: 'code',
            addressShown: true,
            shownAs: maskEmail(email),
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

export interface CompleteEmailChangeDeps {
  readonly users: Pick<Users, 'checkEmailChange' | 'changeEmail'>
  readonly sms: Pick<SmsQueue, 'send'>
}

/** Gives the account the e-mail that a claim proves; the notice is queued first. Throws `challenge.gone`, `account.exists`, `unavailable`. */
export function createCompleteEmailChange({ users, sms }: CompleteEmailChangeDeps) {
  const notify = createNotify({ sms })
  return async function completeEmailChange(
    email: Email,
    { sessionId, asOf, undo }: PendingAddressChange,
    proof: { readonly challengeId: string; readonly claimLapsed?: boolean },
    caller: Caller,
  ): Promise<User> {
    const change = { email, sessionId, asOf }
    if (undo !== null) {
      await users.checkEmailChange(change, caller)
      await notify('verify_email', undo.notice, caller)
    }
    const { user } = await users.changeEmail({ ...proof, ...change, undoToken: undo?.token ?? null }, caller)
    return user
  }
}
