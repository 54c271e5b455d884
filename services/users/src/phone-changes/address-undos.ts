import { createHash } from 'node:crypto'
import { AppError } from '@latchkey/kit/app-error'
import type { Passwords } from '../credentials/passwords.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import type { Claims } from '../people/claims.service.js'
import { type People, type Person, untilNothingIsTaken } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import * as undos from './phone-undos.repository.js'

/** The way back from a change of phone or e-mail. */
export interface AddressUndos {
  /** Keeps what an account has before a change, under the token that undoes it. */
  keep(trx: Trx, before: Person, token: string): Promise<void>
  /** The old phone and e-mail again, once, within 24 h. Throws `undo.gone`; `account.exists`, spending nothing, where somebody else proved one since. */
  undo(token: string): Promise<void>
  /** Deletes what nobody can undo any more; says how many. */
  sweep(): Promise<number>
}

interface UndosNeeds {
  readonly db: Db
  readonly people: People
  readonly claims: Pick<Claims, 'hold' | 'end'>
  readonly sessions: Pick<Sessions, 'endAll'>
  readonly passwords: Pick<Passwords, 'endResetTokens'>
  readonly now: () => Date
}

const undoLifeMs = 24 * 3_600_000

// No salt, and fast: the token is 130 random bits.
const hashOf = (token: string) => createHash('sha256').update(token).digest('hex')

export function createAddressUndos({ db, people, claims, sessions, passwords, now }: UndosNeeds): AddressUndos {
  /** All that could have come from whoever made the change ends: his password, sessions, devices, and his own ways to undo. */
  async function goBack(trx: Trx, undo: undos.PhoneUndo): Promise<void> {
    const { phone } = undo
    if (phone !== null) await claims.hold(trx, phone)
    const person = await people.hold(trx, undo.user_id)
    if (person === undefined || !(await undos.spendUndo(trx, undo))) throw new AppError('undo.gone')
    // Thrown: the token stays good, should the account in the way be deleted.
    if (phone !== null && person.phone !== phone && (await people.isPhoneTaken(trx, phone)))
      throw new AppError('account.exists')
    const email = undo.emails_too ? { email: undo.email, provedAt: undo.email_verified_at } : undefined
    if (!(await people.giveBack(trx, person, { phone, ...email }))) throw new AppError('account.exists')
    if (phone !== null) for (const released of await claims.end(trx, phone)) await sessions.endAll(trx, released)
    await passwords.endResetTokens(trx, person.id)
    await sessions.endAll(trx, person.id)
  }

  return {
    async keep(trx, before, token) {
      const at = now()
      await undos.insertUndo(trx, {
        token_hash: hashOf(token),
        user_id: before.id,
        phone: before.phone,
        emails_too: true,
        email: before.email,
        email_verified_at: before.email_verified_at,
        created_at: at,
        expires_at: new Date(at.getTime() + undoLifeMs),
      })
    },
    async undo(token) {
      const undo = await undos.findUndo(db, hashOf(token), now())
      if (undo === undefined) throw new AppError('undo.gone')
      await untilNothingIsTaken(() => db.transaction().execute((trx) => goBack(trx, undo)))
    },
    sweep: () => inBatches((most) => undos.deleteExpired(db, { before: now(), most })),
  }
}
