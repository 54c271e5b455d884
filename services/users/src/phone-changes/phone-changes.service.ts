import { Email } from '@latchkey/contracts/address'
import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { changePhone, checkPhoneChange, preparePhoneChange } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import { Value } from 'typebox/value'
import type { Passwords } from '../credentials/passwords.service.js'
import type { Reproof, ShownAgain } from '../credentials/reproof.service.js'
import type { Db, Trx } from '../database.js'
import type { Claims } from '../people/claims.service.js'
import { asOf, type People, type Person } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import type { AddressUndos } from './address-undos.js'

/** How an account moves to another phone. */
export interface PhoneChanges {
  prepare(sessionId: string, shown: ShownAgain): Promise<ReplyOf<typeof preparePhoneChange>>
  /**
   * Moves the account of a live session to a phone that was proved for it. `challenge.gone` where the session has ended, or
   * password or phone were changed since the change was begun; `account.exists` where another account proved the phone.
   */
  apply(trx: Trx, change: Omit<BodyOf<typeof changePhone>, 'challengeId' | 'claimLapsed'>): Promise<Person | ErrorCode>
  /** Throws what `apply` would refuse now; nothing is changed. */
  check(change: BodyOf<typeof checkPhoneChange>): Promise<void>
}

interface PhoneChangesNeeds {
  readonly db: Db
  readonly people: People
  readonly claims: Pick<Claims, 'hold' | 'end'>
  readonly sessions: Pick<Sessions, 'hold' | 'endAll'>
  readonly passwords: Pick<Passwords, 'endResetTokens'>
  readonly reproof: Pick<Reproof, 'ask'>
  readonly undos: Pick<AddressUndos, 'keep'>
}

export function createPhoneChanges(needs: PhoneChangesNeeds): PhoneChanges {
  const { db, people, claims, sessions, passwords, reproof, undos } = needs

  /** The account that is to change, held, or why it may not. */
  async function holdChanging(trx: Trx, { phone, sessionId, asOf: begun }: BodyOf<typeof checkPhoneChange>) {
    // The phone first, as whoever proves it does: two of them must not meet crosswise.
    await claims.hold(trx, phone)
    const before = await sessions.hold(trx, sessionId)
    if (before === undefined || asOf(before) !== begun) return 'challenge.gone'
    if (await people.isPhoneTaken(trx, phone)) return 'account.exists'
    return before
  }

  async function apply(trx: Trx, { undoToken, ...change }: Parameters<PhoneChanges['apply']>[1]) {
    const { phone, sessionId } = change
    const before = await holdChanging(trx, change)
    if (typeof before === 'string') return before
    const person = await people.setPhone(trx, before.id, phone)
    for (const released of await claims.end(trx, phone)) await sessions.endAll(trx, released)
    await passwords.endResetTokens(trx, person.id)
    await sessions.endAll(trx, person.id, sessionId)
    if (undoToken !== null) await undos.keep(trx, before, undoToken)
    return person
  }

  return {
    async prepare(sessionId, shown) {
      const person = await reproof.ask(sessionId, shown)
      if (!person.active) throw new AppError('account.unverified')
      const { phone, email } = person
      const emailProved = person.email_verified_at !== null
      return { phone, email: Value.Check(Email, email) ? email : null, emailProved, asOf: asOf(person) }
    },
    apply,
    async check(change) {
      const held = await db.transaction().execute((trx) => holdChanging(trx, change))
      if (typeof held === 'string') throw new AppError(held)
    },
  }
}
