import { AppError } from '@latchkey/kit/app-error'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { readEmail } from './accounts.js'
import { addressOfEmail } from './addresses.js'
import type { ChallengePolicy } from './policy.js'
import type { FaceCaller, Users } from './ports.js'
import type { StartChallenge } from './start-challenge.js'

export interface ForgotByAddressDeps {
  readonly users: Pick<Users, 'findPhone'>
  readonly startChallenge: StartChallenge
  readonly readPhone: ReadPhone
  readonly canSend: boolean
}

export type ForgotByAddress = (
  pair: { readonly email: string; readonly phone: string },
  caller: FaceCaller,
  policy: ChallengePolicy,
) => Promise<void>

/** Sends a reset code where e-mail and phone belong to one account; the answer is the same where they do not. It is found by the e-mail. */
export function createForgotByAddress({
  users,
  startChallenge,
  readPhone,
  canSend,
}: ForgotByAddressDeps): ForgotByAddress {
  return async function forgotByAddress(pair, caller, policy) {
    const phone = readPhone(pair.phone)
    const email = readEmail(pair.email)
    if (!canSend) throw new AppError('unavailable')
    const found = await users.findPhone({ identifier: { kind: 'email', value: email } }, caller)
    await startChallenge(
      {
        purpose: 'reset_password',
        policy,
        phone,
        identifier: phone.e164,
        says: found.phone === phone.e164 ? 'code' : 'decoy',
        addressShown: true,
        found: { address: addressOfEmail(caller.face, 'reset_password', email), client: caller.client },
      },
      caller,
    )
  }
}
