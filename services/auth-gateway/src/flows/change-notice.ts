import { randomInt } from 'node:crypto'
import { type Address, isEmail } from '@latchkey/contracts/address'
import type { PendingAddressChange } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import type { ChallengeStore, NewChallenge } from '../challenges/challenge.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import type { ChallengePolicy } from './policy.js'
import type { Caller, SmsQueue } from './ports.js'
import { reachable } from './reachable.js'

type Undo = NonNullable<PendingAddressChange['undo']>

/** A notice that an account has another phone or e-mail now, ready to be queued once that is proved. */
export interface PreparedNotice {
  readonly undo: Undo
  takeBack(): Promise<void>
}

/** What an account has, of which one is told. */
export interface Reached {
  readonly phone: Address | null
  /** Only one that was proved. */
  readonly email: Address | null
}

export type PrepareNotice = (
  purpose: 'change_phone' | 'verify_email',
  before: Reached,
  caller: Caller,
  policy: ChallengePolicy,
) => Promise<PreparedNotice | undefined>

interface NoticeDeps {
  readonly challenges: Pick<ChallengeStore, 'open' | 'cancel'>
  readonly readPhone: ReadPhone
  readonly canMail: boolean
}

/** Of a notice, past the last moment its change can be made: carriers may be away then. */
const noticeLifeSeconds = 3_600

const letters = 'abcdefghijklmnopqrstuvwxyz'
const newUndoToken = () => Array.from({ length: 28 }, () => letters[randomInt(letters.length)]).join('')

/** Prepares the notice to the address that is left, else to the other one that was proved; undefined where none can be reached. It can be answered by nobody. */
export function createPrepareNotice({ challenges, readPhone, canMail }: NoticeDeps): PrepareNotice {
  /** Undefined for what was fine once, but nothing is sent there any more. */
  function whereTo(to: Address | null): { to: Address; country: string } | undefined {
    if (to === null) return undefined
    if (isEmail(to)) return canMail ? { to, country: 'ZZ' } : undefined
    const phone = reachable(readPhone, to)
    return phone === null ? undefined : { to, country: phone.country }
  }

  return async function prepareNotice(purpose, { phone, email }, caller, policy) {
    const [old, other] = purpose === 'change_phone' ? [phone, email] : [email, phone]
    const told = whereTo(old) ?? whereTo(other)
    if (told === undefined) return undefined
    const { to, country } = told
    const undoToken = newUndoToken()
    const longestSeconds = policy.codeLifeSeconds * (policy.resends + 1)
    const wanted: NewChallenge = {
      purpose,
      policy: { ...policy, codeLifeSeconds: longestSeconds + noticeLifeSeconds },
      subject: to,
      face: caller.face,
      // Not the language of whoever asks: he may not be the owner.
      locale: '',
      // Nobody can be kept from being told by using up the limits of his address; it costs a proof of another one each time.
      limited: false,
      known: false,
      message: { kind: purpose === 'change_phone' ? 'phone_changed' : 'email_changed', to, undoToken },
      channel: isEmail(to) ? 'email' : 'sms',
      shownTo: null,
      country,
      pending: undefined,
    }
    const opened = await challenges.open(wanted)
    if (opened.verdict !== 'opened') throw new AppError('unavailable')
    const { challenge } = opened
    const notice = {
      challengeId: challenge.id,
      messageId: challenge.messageId,
      country,
      expiresAt: challenge.expiresAt.toISOString(),
      channel: challenge.channel,
    }
    return {
      undo: { token: undoToken, notice },
      takeBack: () => challenges.cancel(challenge, wanted, { refund: false }),
    }
  }
}

type Notify = (purpose: 'change_phone' | 'verify_email', notice: Undo['notice'], caller: Caller) => Promise<void>

/** Queues a notice before its change is made: a change whose owner cannot be told is not made. Throws `unavailable`. */
export function createNotify({ sms }: { sms: Pick<SmsQueue, 'send'> }): Notify {
  return async function notify(purpose, { channel = 'sms', ...notice }, caller) {
    const message = { ...notice, channel, generation: 1, purpose, expiresAt: new Date(notice.expiresAt) }
    await sms.send(message, caller).catch((cause: unknown) => {
      // Whether it was queued or not, nothing has changed: the code can be answered again, and the message keeps its id.
      throw new AppError('unavailable', { cause, effect: 'none' })
    })
  }
}
