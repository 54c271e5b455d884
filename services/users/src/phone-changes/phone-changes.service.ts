import { createHash } from 'node:crypto'
import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { changePhone, checkPhoneChange, preparePhoneChange } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import type { Passwords } from '../credentials/passwords.service.js'
import type { Reproof, ShownAgain } from '../credentials/reproof.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import type { Claims } from '../people/claims.service.js'
import { asOf, type People, type Person, untilNothingIsTaken } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import * as undos from './phone-undos.repository.js'

/** How an account moves to another phone, and back. */
export interface PhoneChanges {
  prepare(sessionId: string, shown: ShownAgain): Promise<ReplyOf<typeof preparePhoneChange>>
  /**
   * Moves the account of a live session to a phone that was proved for it. `challenge.gone` where the session has ended, or
   * password or phone were changed since the change was begun; `account.exists` where another account proved the phone.
   */
  apply(trx: Trx, change: Omit<BodyOf<typeof changePhone>, 'challengeId' | 'claimLapsed'>): Promise<Person | ErrorCode>
  /** Throws what `apply` would refuse now; nothing is changed. */
  check(change: BodyOf<typeof checkPhoneChange>): Promise<void>
  /** The old phone again, once, within 24 h. Throws `undo.gone`; `account.exists`, spending nothing, where somebody else proved it since. */
  undo(token: string): Promise<void>
  /** Deletes what nobody can undo any more; says how many. */
  sweep(): Promise<number>
}

interface PhoneChangesNeeds {
  readonly db: Db
  readonly people: People
  readonly claims: Pick<Claims, 'hold' | 'end'>
  readonly sessions: Pick<Sessions, 'hold' | 'endAll'>
  readonly passwords: Pick<Passwords, 'endResetTokens'>
  readonly reproof: Pick<Reproof, 'ask'>
  readonly now: () => Date
}

const undoLifeMs = 24 * 3_600_000

// No salt, and fast: the token is 130 random bits.
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')

export function createPhoneChanges(needs: PhoneChangesNeeds): PhoneChanges {
  const { db, people, claims, sessions, passwords, reproof, now } = needs

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
    if (undoToken !== null && before.phone !== null) await keepUndo(trx, before.id, before.phone, undoToken)
    return person
  }

  async function keepUndo(trx: Trx, userId: string, phone: undos.PhoneUndo['phone'], token: string): Promise<void> {
    const at = now()
    await undos.insertUndo(trx, {
      token_hash: hashOf(token),
      user_id: userId,
      phone,
      created_at: at,
      expires_at: new Date(at.getTime() + undoLifeMs),
    })
  }

  /** All that could have come from whoever changed the phone ends: his password, sessions, devices, and his own ways to undo. */
  async function goBack(trx: Trx, undo: undos.PhoneUndo): Promise<void> {
    await claims.hold(trx, undo.phone)
    const person = await people.hold(trx, undo.user_id)
    if (person === undefined || !(await undos.spendUndo(trx, undo))) throw new AppError('undo.gone')
    // Thrown: the token stays good, should the account in the way be deleted.
    if (person.phone !== undo.phone && (await people.isPhoneTaken(trx, undo.phone)))
      throw new AppError('account.exists')
    await people.setPhone(trx, person.id, undo.phone, { forgetPassword: true })
    for (const released of await claims.end(trx, undo.phone)) await sessions.endAll(trx, released)
    await passwords.endResetTokens(trx, person.id)
    await sessions.endAll(trx, person.id)
  }

  return {
    async prepare(sessionId, shown) {
      const person = await reproof.ask(sessionId, shown)
      if (!person.active) throw new AppError('account.unverified')
      return { phone: person.phone, asOf: asOf(person) }
    },
    apply,
    async check(change) {
      const held = await db.transaction().execute((trx) => holdChanging(trx, change))
      if (typeof held === 'string') throw new AppError(held)
    },
    async undo(token) {
      const undo = await undos.findUndo(db, hashOf(token), now())
      if (undo === undefined) throw new AppError('undo.gone')
      await untilNothingIsTaken(() => db.transaction().execute((trx) => goBack(trx, undo)))
    },
    sweep: () => inBatches((most) => undos.deleteExpired(db, { before: now(), most })),
  }
}
