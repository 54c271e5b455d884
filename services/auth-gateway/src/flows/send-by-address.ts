import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { Address, ChallengeStore, Numbers } from '../challenges/challenge.js'
import type { CanonicalPhone, ReadPhone } from '../phones/canonical-phone.js'
import { readEmail, tooSoon } from './accounts.js'
import { addressOfEmail, addressOfPhone } from './addresses.js'
import type { ChooseChallenge } from './choose-challenge.js'
import type { ChallengePolicy } from './policy.js'
import type { FaceCaller, SmsQueue, Users } from './ports.js'
import { queuedMessage, type StartChallenge } from './start-challenge.js'

export interface SendByAddressDeps {
  readonly users: Pick<Users, 'findRegistration'>
  readonly challenges: Pick<ChallengeStore, 'resend' | 'findDecoy' | 'codeOf'>
  readonly chooseChallenge: ChooseChallenge
  readonly startChallenge: StartChallenge
  readonly sms: SmsQueue
  readonly numbers: Numbers
  readonly readPhone: ReadPhone
  readonly canSend: boolean
  /** Development only: the caller is told the code. */
  readonly exposeCodes: boolean
}

/** What a send names: a phone in international spelling, or an e-mail. */
export type SendTo = { readonly phone: string } | { readonly email: string }

export interface SendRules {
  /** What the code of a registration proves: `sign_up`, or `verify_phone` where registering sends none. */
  readonly purpose: Extract<Purpose, 'sign_up' | 'verify_phone'>
  /** Whether a proved account gets a code to log in by. */
  readonly signsIn: boolean
}

export type SendByAddress = (
  to: SendTo,
  caller: FaceCaller,
  policy: ChallengePolicy,
  rules: SendRules,
) => Promise<{ readonly code?: string }>

/** What is to be sent: to whom, for what, and by what it is found again. */
interface Wanted {
  readonly address: Address
  readonly phone: CanonicalPhone | null
  /** What the caller typed, canonical. */
  readonly identifier: string
  readonly registrationId?: string
}

/**
 * Sends the code of an address again, or a new one where the last has ended; the same answer, and no SMS, where nobody is
 * behind it. Throws `rate.limited`, `challenge.resends_spent`, `request.invalid`, `unavailable`.
 */
export function createSendByAddress({
  users,
  challenges,
  chooseChallenge,
  startChallenge,
  sms,
  numbers,
  readPhone,
  canSend,
  exposeCodes,
}: SendByAddressDeps): SendByAddress {
  return async function sendByAddress(to, caller, policy, { purpose, signsIn }) {
    if (!canSend) throw new AppError('unavailable')
    const typed = 'phone' in to ? readPhone(to.phone) : null
    const email = 'phone' in to ? '' : readEmail(to.email)
    const by =
      typed === null ? ({ kind: 'email', value: email } as const) : ({ kind: 'phone', value: typed.e164 } as const)
    const address = (what: Purpose) =>
      typed === null ? addressOfEmail(caller.face, what, email) : addressOfPhone(caller.face, what, typed.e164)
    const identifier = typed?.e164 ?? `email:${email}`

    const chosen = await chooseChallenge(address(purpose), caller)
    if (chosen?.state === 'live' && (await again(chosen.id, caller, policy))) return shown(chosen.id)
    const selected = chosen?.registrationId ?? caller.userId
    const { registration, proved } = await users.findRegistration(
      { face: caller.face, by, client: caller.client.key, ...(selected !== undefined && { userId: selected }) },
      caller,
    )
    if (registration !== null) {
      const { id: registrationId, phone } = registration
      return start(
        { address: address(purpose), phone: typed ?? readPhone(phone), identifier, registrationId },
        caller,
        policy,
      )
    }
    // A proved account gets a code to log in by, or nothing; nobody at all gets what a proved account gets.
    const last = address(signsIn ? 'sign_in' : purpose)
    const signingIn = signsIn && proved ? await chooseChallenge(last, caller) : undefined
    if (signingIn?.state === 'live' && (await again(signingIn.id, caller, policy))) return shown(signingIn.id)
    if (signsIn && proved) return start({ address: last, phone: typed, identifier }, caller, policy)
    const decoy = await challenges.findDecoy(last, caller.client)
    if (decoy === undefined || !(await again(decoy, caller, policy)))
      await start({ address: last, phone: null, identifier }, caller, policy)
    return {}
  }

  /** False where the challenge ended meanwhile. */
  async function again(id: string, caller: FaceCaller, policy: ChallengePolicy): Promise<boolean> {
    const resent = await challenges.resend(id, caller.face, policy, numbers)
    switch (resent.verdict) {
      case 'gone':
        return false
      case 'held':
        throw tooSoon(new Date(Date.now() + 1_000))
      case 'spent':
        throw new AppError('challenge.resends_spent', { retryAt: resent.retryAt })
      case 'cooling':
        // A gateway that died between challenge and queue left a message that never went out.
        if (!resent.challenge.sent || (await sms.has(resent.challenge.messageId))) throw tooSoon(resent.retryAt)
        break
      case 'resent':
        break
    }
    await sms.send(queuedMessage(resent.challenge), caller)
    return true
  }

  async function start(
    { address, phone, identifier, registrationId }: Wanted,
    caller: FaceCaller,
    policy: ChallengePolicy,
  ): Promise<{ code?: string }> {
    const { id } = await startChallenge(
      {
        purpose: address.purpose,
        policy,
        phone,
        identifier,
        says: phone === null ? 'decoy' : 'code',
        addressShown: phone?.e164 === identifier,
        ...(registrationId !== undefined && { pending: { registrationId } }),
        found: { address, client: caller.client, ...(registrationId !== undefined && { registrationId }) },
      },
      caller,
    )
    return phone === null ? {} : shown(id)
  }

  async function shown(id: string): Promise<{ code?: string }> {
    const code = exposeCodes ? await challenges.codeOf(id) : undefined
    return code === undefined ? {} : { code }
  }
}
