import { deliveryReasons, type DeliveryReason, type DeliveryState } from '@latchkey/contracts/delivery'
import type { Delivery } from '@latchkey/contracts/v1/challenges'
import type { Challenge, Purpose } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore } from '../challenges/challenge.js'
import type { Caller, Users } from './ports.js'
import { publicChallenge } from './start-challenge.js'

export type ReadChallenge = (
  id: string,
  caller: Caller,
) => Promise<{ challenge: Challenge; delivery: Delivery; reason?: string; reasonCode?: DeliveryReason }>

const shown: Record<DeliveryState, Delivery> = {
  queued: 'queued',
  sending: 'queued',
  accepted: 'sent',
  unknown: 'sent',
  unconfirmed: 'sent',
  delivered: 'delivered',
  undelivered: 'failed',
  rejected: 'failed',
  failed: 'failed',
  expired_unsent: 'expired',
  superseded_unsent: 'expired',
}

/** Purposes whose caller owns the number he typed; for the others a failure would tell that the account exists. */
const failureShown: ReadonlySet<Purpose> = new Set<Purpose>([
  'sign_up',
  'change_phone',
  'verify_phone',
  'second_factor',
  'verify_email',
])

/** A challenge and what became of its last message. Throws `challenge.gone` 15 minutes after its end. */
export function createReadChallenge({
  challenges,
  users,
}: {
  challenges: ChallengeStore
  users: Pick<Users, 'getDelivery'>
}): ReadChallenge {
  return async function readChallenge(id, caller) {
    const found = await challenges.read(id)
    if (found === undefined || found.face !== caller.face) throw new AppError('challenge.gone')
    // By what was typed: whether it goes by mail, by SMS or to nobody must not be told by how it fares.
    if (found.channel === 'email' && found.shownTo === null)
      return { challenge: publicChallenge(found), delivery: found.expired ? 'expired' : 'sent' }
    const written = await users.getDelivery({ messageId: found.messageId }, undefined, caller)
    const challenge = publicChallenge(found)
    if (written.state === null) return { challenge, delivery: found.expired ? 'expired' : 'queued' }
    const delivery = shown[written.state]
    if (delivery !== 'failed') return { challenge, delivery }
    if (!failureShown.has(found.purpose)) return { challenge, delivery: 'sent' }
    const reasonCode = written.reason ?? 'carrier_failed'
    return { challenge, delivery, reason: deliveryReasons[reasonCode], reasonCode }
  }
}
