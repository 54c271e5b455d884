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
}

export type ForgotPassword = (
  input: { readonly identifier: string; readonly deviceToken?: string | undefined },
  caller: Caller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/** Sends a reset code to the phone of an account; the answer is the same where there is none, and shows no address the caller did not send. */
export function createForgotPassword({
  users,
  refuseStopped,
  startChallenge,
  readIdentifier,
  readPhone,
}: ForgotPasswordDeps): ForgotPassword {
  return async function forgotPassword({ identifier: text, ...brought }, caller, policy) {
    const { phone: typed, ...identifier } = readIdentifier(text)
    await refuseStopped({ purposes: ['reset_password'], ...(typed !== undefined && { country: typed.country }) })
    const found = await users.findPhone(withProof(identifier, brought), caller)
    // That it is out of reach is not said: it would tell that the account exists.
    const phone = found.phone === null ? (typed ?? null) : reachable(readPhone, found.phone)
    return publicChallenge(
      await startChallenge(
        {
          purpose: 'reset_password',
          policy,
          phone,
          identifier: typed?.e164 ?? `${identifier.kind}:${identifier.value}`,
          says: found.phone === null ? 'decoy' : 'code',
          addressShown: typed !== undefined,
          known: found.known,
        },
        caller,
      ),
    )
  }
}
