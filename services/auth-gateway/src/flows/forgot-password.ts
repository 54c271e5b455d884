import type { Challenge } from '@latchkey/contracts/v1/shapes'
import type { ChallengePolicy } from './policy.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import type { ReadIdentifier } from './accounts.js'
import { withProof } from './known-devices.js'
import type { Caller, RefuseStopped, Users } from './ports.js'
import { reachable } from './reachable.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'

export interface ForgotPasswordDeps {
  readonly users: Pick<Users, 'findPhone'>
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readIdentifier: ReadIdentifier
  readonly readPhone: ReadPhone
  readonly canMail: boolean
}

export type ForgotPassword = (
  input: { readonly identifier: string; readonly deviceToken?: string | undefined },
  caller: Caller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/**
 * Sends a reset code to the phone of an account, or to the e-mail that was typed where it was proved; the answer is the same where there is
 * none, and shows no address the caller did not send.
 */
export function createForgotPassword({
  users,
  refuseStopped,
  startChallenge,
  readIdentifier,
  readPhone,
  canMail,
}: ForgotPasswordDeps): ForgotPassword {
  return async function forgotPassword({ identifier: text, ...brought }, caller, policy) {
    const { phone: typed, ...identifier } = readIdentifier(text)
    await refuseStopped({ purposes: ['reset_password'], ...(typed !== undefined && { country: typed.country }) })
    const found = await users.findPhone(withProof(identifier, brought), caller)
    // That it is out of reach is not said: it would tell that the account exists.
    const phone = found.phone === null ? (typed ?? null) : reachable(readPhone, found.phone)
    const email = found.email ?? null
    const byMail = canMail && identifier.kind === 'email'
    return publicChallenge(
      await startChallenge(
        {
          purpose: 'reset_password',
          policy,
          phone: byMail && email !== null ? null : phone,
          ...(byMail && { mail: { to: email } }),
          identifier: typed?.e164 ?? `${identifier.kind}:${identifier.value}`,
          says: found.phone !== null || (byMail && email !== null) ? 'code' : 'decoy',
          addressShown: typed !== undefined,
          known: found.known,
        },
        caller,
      ),
    )
  }
}
