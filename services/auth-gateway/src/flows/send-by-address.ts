import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { Judged } from '../abuse/sms-budget.js'
import type { Address, ChallengeStore } from '../challenges/challenge.js'
import type { CanonicalPhone, ReadPhone } from '../phones/canonical-phone.js'
import { readEmail } from './accounts.js'
import { addressOfEmail, addressOfPhone } from './addresses.js'
import { chooseAmong } from './choose-challenge.js'
import type { ChallengePolicy } from './policy.js'
import type { IsKnown } from './known-devices.js'
import type { FaceCaller, RefuseStopped, Users } from './ports.js'
import { reachable } from './reachable.js'
import type { SendAgain } from './send-again.js'
import type { StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface SendByAddressDeps {
  readonly users: Pick<Users, 'findRegistration'>
  readonly isKnown: IsKnown
  readonly challenges: Pick<ChallengeStore, 'sendable' | 'codeOf'>
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly sendAgain: SendAgain
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
  /** Null where a number that was fine once is out of reach now. */
  readonly phone: CanonicalPhone | null
  readonly says: 'code' | 'decoy'
  /** Whose limits hold: what the caller typed, canonical, or the phone of a registration that was found by its e-mail. */
  readonly identifier: string
  readonly registrationId?: string
  readonly known?: boolean
  readonly judged: Judged
}

/**
 * Sends the code of an address again, or a new one where the last has ended; the same answer, and no SMS, where nobody is
 * behind it. Throws `rate.limited`, `challenge.resends_spent`, `request.invalid`, `unavailable`.
 */
export function createSendByAddress({
  users,
  isKnown,
  challenges,
  withinBudget,
  refuseStopped,
  startChallenge,
  sendAgain,
  readPhone,
  canSend,
  exposeCodes,
}: SendByAddressDeps): SendByAddress {
  return async function sendByAddress(to, caller, policy, { purpose, signsIn }) {
    if (!canSend) throw new AppError('unavailable')
    const typed = 'phone' in to ? readPhone(to.phone) : null
    const email = 'phone' in to ? '' : readEmail(to.email)
    // Of both purposes, whichever it will be: which one it is tells who is there.
    await refuseStopped({
      purposes: signsIn ? [purpose, 'sign_in'] : [purpose],
      ...(typed !== null && { country: typed.country }),
    })
    const by =
      typed === null ? ({ kind: 'email', value: email } as const) : ({ kind: 'phone', value: typed.e164 } as const)
    const address = (what: Purpose) =>
      typed === null ? addressOfEmail(caller.face, what, email) : addressOfPhone(caller.face, what, typed.e164)
    const identifier = typed?.e164 ?? `email:${email}`

    const { userId } = caller
    const [{ registration, shadow, proved }, known] = await Promise.all([
      users.findRegistration(
        { face: caller.face, by, client: caller.client.key, ...(userId !== undefined && { userId }) },
        caller,
      ),
      isKnown(by, { sessionId: caller.sessionId }, caller),
    ])
    // Whoever is meant is judged alike. A refusal is not told where it would tell an account, which is sent its code, from the rest.
    const meant = registration ?? shadow
    const phone = typed ?? (meant === null ? null : reachable(readPhone, meant.phone))
    // Named by e-mail too it is under the limits of its phone, and says so: nobody waits for a code that was never sent.
    const counted = meant === null ? identifier : (phone?.e164 ?? identifier)
    return withinBudget.first({ phone, silently: signsIn || typed === null }, caller, async (judged) => {
      // A proved account gets a code to log in by, or nothing; nobody at all gets what a proved account gets.
      const last = address(signsIn ? 'sign_in' : purpose)
      // Both are looked up whoever is meant: no more is done for one than for another.
      const [waiting, { candidates, decoy }] = await Promise.all([
        challenges.sendable(address(purpose), caller.client),
        challenges.sendable(last, caller.client),
      ])
      const chosen = chooseAmong(waiting.candidates, caller, meant?.id)
      // Once somebody has proved it, what others registered with it is over, though their codes may live on.
      const over = meant === null && proved
      const waits = { known: false, quiet: judged.refused }
      if (chosen?.state === 'live' && !over && (await sendAgain(chosen.id, caller, policy, waits)))
        return shown(chosen.id)
      if (registration !== null) {
        const { id: registrationId } = registration
        const wanted = { address: address(purpose), phone, says: 'code', identifier: counted, registrationId } as const
        return start({ ...wanted, judged }, caller, policy)
      }
      const signingIn = signsIn && proved ? chooseAmong(candidates, caller) : undefined
      if (signingIn?.state === 'live' && (await sendAgain(signingIn.id, caller, policy, { known })))
        return shown(signingIn.id)
      if (signsIn && proved) {
        // To a number that was proved: the guard refuses it nothing.
        const wanted = { address: last, phone: typed, says: 'code', identifier, known } as const
        return start({ ...wanted, judged: { ...judged, refused: false } }, caller, policy)
      }
      const limits = { identifier: counted, limited: phone?.test === undefined }
      if (decoy === undefined || !(await sendAgain(decoy, caller, policy, { typed: limits, known: false })))
        await start({ address: last, phone, says: 'decoy', identifier: counted, judged }, caller, policy)
      return {}
    })
  }

  async function start(
    { address, phone, says, identifier, registrationId, known = false, judged }: Wanted,
    caller: FaceCaller,
    policy: ChallengePolicy,
  ): Promise<{ code?: string }> {
    const { id } = await startChallenge(
      {
        purpose: address.purpose,
        policy,
        phone,
        identifier,
        says,
        known,
        addressShown: phone?.e164 === identifier,
        judged,
        ...(registrationId !== undefined && { pending: { registrationId } }),
        found: { address, client: caller.client, ...(registrationId !== undefined && { registrationId }) },
      },
      caller,
    )
    return says === 'decoy' ? {} : shown(id)
  }

  async function shown(id: string): Promise<{ code?: string }> {
    const code = exposeCodes ? await challenges.codeOf(id) : undefined
    return code === undefined ? {} : { code }
  }
}
