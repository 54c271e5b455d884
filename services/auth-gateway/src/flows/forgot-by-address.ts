import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore } from '../challenges/challenge.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { readEmail } from './accounts.js'
import { addressOfEmail } from './addresses.js'
import { chooseAmong } from './choose-challenge.js'
import type { ChallengePolicy } from './policy.js'
import { withProof } from './known-devices.js'
import type { FaceCaller, RefuseStopped, Users } from './ports.js'
import type { SendAgain } from './send-again.js'
import type { StartChallenge } from './start-challenge.js'

export interface ForgotByAddressDeps {
  readonly users: Pick<Users, 'findPhone'>
  readonly challenges: Pick<ChallengeStore, 'sendable' | 'namePair'>
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly sendAgain: SendAgain
  readonly readPhone: ReadPhone
  readonly canSend: boolean
}

export type ForgotByAddress = (
  pair: { readonly email: string; readonly phone: string },
  caller: FaceCaller,
  policy: ChallengePolicy,
) => Promise<void>

/**
 * Sends a reset code where e-mail and phone belong to one account, the same one again while it lives; the answer is the same where
 * they do not. It is found by the e-mail, of which the phone that was named last is meant. Throws `request.invalid`, `rate.limited`, `challenge.resends_spent`, `unavailable`.
 */
export function createForgotByAddress({
  users,
  challenges,
  refuseStopped,
  startChallenge,
  sendAgain,
  readPhone,
  canSend,
}: ForgotByAddressDeps): ForgotByAddress {
  return async function forgotByAddress(pair, caller, policy) {
    const phone = readPhone(pair.phone)
    const email = readEmail(pair.email)
    if (!canSend) throw new AppError('unavailable')
    await refuseStopped({ purposes: ['reset_password'], country: phone.country })
    const byEmail = addressOfEmail(caller.face, 'reset_password', email)
    const [found, address] = await Promise.all([
      users.findPhone(withProof({ kind: 'email', value: email }, { sessionId: caller.sessionId }), caller),
      challenges.namePair(byEmail, phone.e164, caller.client, policy),
    ])
    const isTheirs = found.phone === phone.e164
    const known = isTheirs && found.known
    const { candidates, decoy } = await challenges.sendable(address, caller.client)
    const chosen = chooseAmong(candidates, caller)
    const last = isTheirs ? (chosen?.state === 'live' ? chosen.id : undefined) : decoy
    const typed = isTheirs ? undefined : { identifier: phone.e164, limited: phone.test === undefined }
    if (last !== undefined && (await sendAgain(last, caller, policy, { known, ...(typed !== undefined && { typed }) })))
      return
    await startChallenge(
      {
        purpose: 'reset_password',
        policy,
        phone,
        identifier: phone.e164,
        says: isTheirs ? 'code' : 'decoy',
        addressShown: true,
        known,
        found: { address, client: caller.client },
      },
      caller,
    )
  }
}
