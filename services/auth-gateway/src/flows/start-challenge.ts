import type { Email } from '@latchkey/contracts/address'
import { rangeOf } from '@latchkey/contracts/phone'
import type { Challenge, Purpose } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore, Found, KnownChallenge, Message, NewChallenge } from '../challenges/challenge.js'
import type { ChallengePolicy } from './policy.js'
import type { Judged } from '../abuse/sms-budget.js'
import type { CanonicalPhone } from '../phones/canonical-phone.js'
import { tooSoon } from './accounts.js'
import type { Caller, SmsQueue } from './ports.js'

export interface StartChallengeDeps {
  readonly challenges: ChallengeStore
  readonly sms: SmsQueue
  readonly newCode: (digits: number) => string
  /** Whose limits are kept for a name that nobody has. */
  readonly nobodyBehind: (identifier: string) => string
}

type Says = Exclude<Message['kind'], 'phone_changed' | 'email_changed'>

export interface ChallengeRequest {
  readonly purpose: Purpose
  readonly policy: ChallengePolicy
  /** Who gets the code; null where the caller named nobody who can. */
  readonly phone: CanonicalPhone | null
  /**
   * Where whoever asks is told that it goes by mail, whoever is behind it: to whom. null for nobody, or for who gets it by phone, since his
   * e-mail was never proved.
   */
  readonly mail?: { readonly to: Email | null } | undefined
  /** What the caller typed, canonical: its limits hold. For a phone, its E.164. */
  readonly identifier: string
  /** What of the address is shown, where the caller may see less than its mask. */
  readonly shownAs?: string
  /** `code`, or what is sent instead of one so that the answer does not tell. */
  readonly says: Says
  /** Whether the caller sent the address, and so may see it masked. */
  readonly addressShown: boolean
  /** Whether a device of the account asks: it has a cooldown and budgets of its own. */
  readonly known?: boolean
  readonly pending?: unknown
  /** Where it can be found again by those who do not know its id. */
  readonly found?: Found
  /** Inside a cooldown it is opened all the same, and sends nothing. */
  readonly mayStayUnsent?: boolean
  /** Of a message that anybody can ask for: one that was refused is not sent, and nobody told. */
  readonly judged?: Judged
}

export type StartChallenge = (request: ChallengeRequest, caller: Caller) => Promise<KnownChallenge>

/** Opens a challenge and queues its message: the same work whoever is or is not behind the number. Throws `rate.limited`, `unavailable`. */
export function createStartChallenge({ challenges, sms, newCode, nobodyBehind }: StartChallengeDeps): StartChallenge {
  return async function startChallenge(
    {
      purpose,
      policy,
      phone,
      mail,
      identifier,
      says,
      addressShown,
      shownAs,
      known = false,
      pending,
      found,
      mayStayUnsent = false,
      judged,
    },
    caller,
  ) {
    // Counted for what the caller typed: were it the phone behind a name, its limits would tell that the name is known.
    const behind = addressShown ? {} : { behind: mail?.to ?? phone?.e164 ?? nobodyBehind(identifier) }
    const wanted: NewChallenge = {
      purpose,
      policy,
      subject: identifier,
      ...behind,
      face: caller.face,
      locale: caller.locale,
      known,
      limited: phone?.test === undefined,
      message: messageFor(says, { phone, mail, code: newCode(policy.codeDigits) }),
      ...(mail !== undefined && { channel: 'email' as const }),
      shownTo: addressShown ? (shownAs ?? phone?.masked ?? null) : null,
      country: phone?.country ?? 'ZZ',
      pending,
      ...(found !== undefined && { found }),
      mayStayUnsent,
      ...(judged !== undefined && { counted: judged.counted, quiet: judged.refused }),
    }
    const opened = await challenges.open(wanted)
    if (opened.verdict === 'cooling') throw tooSoon(opened.retryAt)
    const { challenge } = opened
    if (!challenge.sent) {
      judged?.giveBack()
      return challenge
    }
    try {
      await sms.send(queuedMessage(challenge), caller)
    } catch (error) {
      // Nobody will learn the id of this challenge, so nobody could send it again. A message that may be queued may be sent: it
      // stays counted, or whoever tries again and again at a queue whose answers are lost would be sent an SMS each time.
      await challenges.cancel(challenge, wanted, { refund: isWithoutEffect(error) }).catch(() => undefined)
      throw error
    }
    return challenge
  }
}

/** Whether what failed certainly was not done. */
export const isWithoutEffect = (error: unknown): boolean => error instanceof AppError && error.effect === 'none'

function messageFor(
  says: Says,
  { phone, mail, code }: Pick<ChallengeRequest, 'phone' | 'mail'> & { readonly code: string },
): Message {
  if (mail !== undefined) {
    const to = mail.to ?? phone?.e164
    if (to === undefined || says === 'decoy') return { kind: 'decoy', channel: 'email' }
    return says === 'account_exists' ? { kind: says, to } : { kind: says, to, code }
  }
  if (phone === null) return { kind: 'decoy' }
  if (says === 'decoy') return { kind: says, range: rangeOf(phone.e164) }
  if (says === 'account_exists') return { kind: says, to: phone.e164 }
  return { kind: says, to: phone.e164, code: phone.test?.code ?? code }
}

/** The message of a challenge's last send. */
export const queuedMessage = ({ id, messageId, generation, purpose, expiresAt, country, channel }: KnownChallenge) => ({
  challengeId: id,
  messageId,
  generation,
  purpose,
  expiresAt,
  country,
  channel,
})

/** A challenge as /v1 shows it. */
export const publicChallenge = ({
  id,
  purpose,
  channel,
  shownTo,
  expiresAt,
  resendAt,
  attemptsLeft,
  resendsLeft,
}: KnownChallenge): Challenge => ({
  id,
  purpose,
  channel,
  to: shownTo,
  expiresAt: expiresAt.toISOString(),
  resendAt: resendAt.toISOString(),
  attemptsLeft,
  resendsLeft,
})
