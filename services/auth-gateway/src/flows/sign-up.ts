import { maskEmail } from '@latchkey/contracts/address'
import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { PendingAccount } from '@latchkey/contracts/internal/users'
import type { Challenge } from '@latchkey/contracts/v1/shapes'
import type { signUp as contract } from '@latchkey/contracts/v1/sign-up'
import { invalidField } from '@latchkey/kit/app-error'
import type { ChallengePolicy } from './policy.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { checkStorable, readEmail, readMailbox, readUsername } from './accounts.js'
import type { Caller, CheckProfile, RefuseStopped, Users } from './ports.js'
import { type ChallengeRequest, publicChallenge, type StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface SignUpDeps {
  readonly users: Pick<Users, 'prepareSignUp'>
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
  readonly checkProfile: CheckProfile
  /** Roles a stranger may give himself; the first is the default. */
  readonly roles: readonly string[]
  readonly canMail: boolean
}

type Reach = Pick<ChallengeRequest, 'phone' | 'mail' | 'identifier' | 'shownAs'>

export type SignUp = (input: BodyOf<typeof contract>, caller: Caller, policy: ChallengePolicy) => Promise<Challenge>

/**
 * Starts an account: nothing exists until the phone, or without one the e-mail, is proved. The answer is the same where it has an account
 * already; its owner then gets a notice instead of a code, once a day. Throws `request.invalid`, `password.weak`, `rate.limited`.
 */
export function createSignUp({
  users,
  withinBudget,
  refuseStopped,
  startChallenge,
  readPhone,
  checkProfile,
  roles,
  canMail,
}: SignUpDeps): SignUp {
  /** The phone, else the e-mail; and whose limits hold. */
  function reach({ phone, email }: Parameters<SignUp>[0]): Reach {
    if (phone !== undefined) {
      const read = readPhone(phone)
      return { phone: read, identifier: read.e164 }
    }
    if (!canMail) throw invalidField('/phone', 'is missing; no mail can be sent here, so an account needs a phone')
    if (email === undefined) throw invalidField('/phone', 'is missing, and so is `email`: one of them has to be proved')
    const to = readMailbox(email)
    return { phone: null, mail: { to }, identifier: to, shownAs: maskEmail(to) }
  }

  return async function signUp(input, caller, policy) {
    const reached = reach(input)
    const { phone } = reached
    const email = input.email === undefined ? null : readEmail(input.email)
    const username = input.username === undefined ? null : readUsername(input.username)
    const role = input.role ?? roles[0] ?? 'user'
    if (input.role !== undefined && !roles.includes(input.role))
      throw invalidField('/role', `must be one of ${roles.join(', ')}`)
    checkStorable('/name', input.name)
    checkStorable('/profile', input.profile)
    if (input.profile !== undefined) checkProfile(input.profile)

    await refuseStopped({ purposes: ['sign_up'], ...(phone !== null && { country: phone.country }) })
    return withinBudget.first({ phone }, caller, async (judged) => {
      const { known, passwordHash } = await users.prepareSignUp(
        { phone: phone?.e164 ?? null, email, password: input.password ?? null },
        caller,
      )
      const pending: PendingAccount = {
        phone: phone?.e164 ?? null,
        email,
        username,
        role,
        passwordHash,
        name: input.name ?? null,
        profile: input.profile ?? {},
      }
      return publicChallenge(
        await startChallenge(
          {
            purpose: 'sign_up',
            policy,
            ...reached,
            says: known ? 'account_exists' : 'code',
            addressShown: true,
            judged,
            pending,
          },
          caller,
        ),
      )
    })
  }
}
