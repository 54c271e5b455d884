import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { changeEmail, checkEmailChange } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import type { Passwords } from '../credentials/passwords.service.js'
import type { Db, Trx } from '../database.js'
import { asOf, type People, type Person } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import type { AddressUndos } from './address-undos.js'

/** How an account gets another e-mail, or its own one proved. */
export interface EmailChanges {
  /**
   * Gives the account of a live session an e-mail that was proved for it; whoever only said that it is his loses it. `challenge.gone` where
   * the session has ended, or password, phone or e-mail were changed since the change was begun; `account.exists` where another account proved it.
   */
  apply(trx: Trx, change: Omit<BodyOf<typeof changeEmail>, 'challengeId' | 'claimLapsed'>): Promise<Person | ErrorCode>
  /** Throws what `apply` would refuse now; nothing is changed. */
  check(change: BodyOf<typeof checkEmailChange>): Promise<void>
}

interface EmailChangesNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Pick<Sessions, 'hold' | 'endAll'>
  readonly passwords: Pick<Passwords, 'endResetTokens'>
  readonly undos: Pick<AddressUndos, 'keep'>
}

export function createEmailChanges({ db, people, sessions, passwords, undos }: EmailChangesNeeds): EmailChanges {
  /** The account that is to change, held, or why it may not. */
  async function holdChanging(trx: Trx, { email, sessionId, asOf: begun }: BodyOf<typeof checkEmailChange>) {
    const before = await sessions.hold(trx, sessionId)
    if (before === undefined || asOf(before) !== begun) return 'challenge.gone'
    const owner = await people.holdProvedEmail(trx, email)
    return owner === undefined || owner.id === before.id ? before : 'account.exists'
  }

  return {
    async apply(trx, { undoToken, ...change }) {
      const before = await holdChanging(trx, change)
      if (typeof before === 'string') return before
      const person = await people.setEmail(trx, before.id, change.email)
      await passwords.endResetTokens(trx, person.id)
      await sessions.endAll(trx, person.id, change.sessionId)
      if (undoToken !== null) await undos.keep(trx, before, undoToken)
      return person
    },
    async check(change) {
      const held = await db.transaction().execute((trx) => holdChanging(trx, change))
      if (typeof held === 'string') throw new AppError(held)
    },
  }
}
