import type { Challenge } from '@latchkey/contracts/v1/shapes'
import type { ChallengePolicy } from './policy.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { withProof } from './known-devices.js'
import type { Caller, RefuseStopped, Users } from './ports.js'
import { publicChallenge, type StartChallenge } from './start-challenge.js'

export interface SignInWithCodeDeps {
  readonly users: Pick<Users, 'findPhone'>
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
}

export type SignInWithCode = (
  input: { readonly phone: string; readonly deviceToken?: string | undefined },
  caller: Caller,
  policy: ChallengePolicy,
) => Promise<Challenge>

/** Sends a code to the phone of an account; an unknown number gets the same answer and no SMS. */
export function createSignInWithCode({
  users,
  refuseStopped,
  startChallenge,
  readPhone,
}: SignInWithCodeDeps): SignInWithCode {
  return async function signInWithCode({ phone: text, ...brought }, caller, policy) {
    const phone = readPhone(text)
    await refuseStopped({ purposes: ['sign_in'], country: phone.country })
    const found = await users.findPhone(withProof({ kind: 'phone', value: phone.e164 }, brought), caller)
    const says = found.phone === null ? 'decoy' : 'code'
    return publicChallenge(
      await startChallenge(
        { purpose: 'sign_in', policy, phone, identifier: phone.e164, says, addressShown: true, known: found.known },
        caller,
      ),
    )
  }
}
