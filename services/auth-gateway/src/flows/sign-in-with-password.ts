import type { PendingLogin } from '@latchkey/contracts/internal/account-changes'
import type { SecondFactorWanted } from '@latchkey/contracts/internal/users'
import { lastTwoOf } from '@latchkey/contracts/phone'
import type { Challenge, User } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { ReadPhone } from '../phones/canonical-phone.js'
import type { ChallengePolicy } from './policy.js'
import type { Caller, RefuseStopped } from './ports.js'
import { reachable } from './reachable.js'
import { nameOf, type OpenSession, type SignInDeps } from './session.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'

export interface SignInWithPasswordDeps extends SignInDeps {
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
}

/** What a right password led to. */
type PasswordWasRight =
  | { readonly kind: 'signed_in'; readonly user: User; readonly session: OpenSession }
  /** The code that was sent to the phone of the account opens the session. */
  | { readonly kind: 'second_factor'; readonly challenge: Challenge }

export type SignInWithPassword = (
  input: { readonly identifier: string; readonly password: string; readonly deviceToken?: string | undefined },
  caller: Caller,
  policy: ChallengePolicy,
  /** Counts the message of a second factor for whoever asks. Throws `rate.limited`. */
  countSend: () => Promise<void>,
) => Promise<PasswordWasRight>

/**
 * One look-up and one hash, known or not, counted before it for whatever was typed. Throws `credentials.wrong`, `account.disabled`,
 * `account.second_factor` where the phone of the account is out of reach, `request.invalid`, `rate.limited`.
 */
export function createSignInWithPassword(deps: SignInWithPasswordDeps): SignInWithPassword {
  const { users, refuseStopped, startChallenge, readIdentifier, readPhone, isKnown, guessPassword } = deps

  /** Its limits are its own: strangers spend those of the phone, and this asks for the password first. */
  async function sendCode(
    { phone: to, userId, asOf }: SecondFactorWanted,
    { known, ...device }: { readonly known: boolean; readonly deviceToken?: string },
    caller: Caller,
    policy: ChallengePolicy,
  ): Promise<Challenge> {
    const pending: PendingLogin = { userId, asOf, ...device }
    const phone = reachable(readPhone, to)
    if (phone === null)
      throw new AppError('account.second_factor', { detail: 'The phone of this account is out of reach.' })
    await refuseStopped({ purposes: ['second_factor'], country: phone.country })
    return publicChallenge(
      await startChallenge(
        {
          purpose: 'second_factor',
          policy,
          phone,
          identifier: `second_factor:${userId}`,
          says: 'code',
          addressShown: true,
          known,
          shownAs: lastTwoOf(phone.e164),
          pending,
        },
        caller,
      ),
    )
  }

  return async function signInWithPassword({ identifier: typed, password, deviceToken }, caller, policy, countSend) {
    const { phone: _phone, ...identifier } = readIdentifier(typed)
    const device = deviceToken === undefined ? {} : { deviceToken }
    const known = await isKnown(identifier, device, caller)
    const right = await guessPassword({ account: nameOf(identifier), known }, caller, () =>
      users.signInWithPassword({ identifier, password, face: caller.face, ...device, takesSecondFactor: true }, caller),
    )
    if ('secondFactor' in right) {
      await countSend()
      const challenge = await sendCode(right.secondFactor, { ...device, known }, caller, policy)
      return { kind: 'second_factor', challenge }
    }
    const { user, session } = right
    return { kind: 'signed_in', user, session: { ...session, userId: user.id } }
  }
}
