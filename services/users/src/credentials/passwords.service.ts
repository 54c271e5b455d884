import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { changePassword, giveResetToken, resetPassword } from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import type { SignedTokens } from '@latchkey/kit/signed-token'
import { v7 as uuidv7 } from 'uuid'
import { type Db, inBatches, type Trx } from '../database.js'
import { asOf, type People, type Person } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import type { Credentials } from './credentials.service.js'
import type { Reproof } from './reproof.service.js'
import * as resetTokens from './reset-tokens.repository.js'

/** How a password is replaced. Either way every reset token of the account ends, and every challenge that was opened before. */
export interface Passwords {
  /** Good for 15 min, once. Only its id is stored. */
  giveResetToken(trx: Trx, person: Person): Promise<ReplyOf<typeof giveResetToken>>
  /** By a reset token, once; every session ends. A refusal spends nothing. */
  reset(input: BodyOf<typeof resetPassword>): Promise<void>
  /** By a live session, which alone goes on. */
  change(sessionId: string, input: BodyOf<typeof changePassword>): Promise<void>
  /** Ends every reset token of an account. */
  endResetTokens(trx: Trx, userId: string): Promise<void>
  /** Deletes reset tokens that expired a day ago; says how many. */
  sweep(): Promise<number>
}

interface PasswordsNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Sessions
  readonly credentials: Pick<Credentials, 'hash'>
  readonly reproof: Pick<Reproof, 'isPassword'>
  readonly tokens: SignedTokens
  readonly now: () => Date
}

const resetLifeMs = 15 * 60_000
const keptMs = 24 * 3_600_000

export function createPasswords(needs: PasswordsNeeds): Passwords {
  const { db, people, sessions, credentials, reproof, tokens, now } = needs

  async function reset({ resetToken, newPassword, rules, email }: BodyOf<typeof resetPassword>): Promise<void> {
    const token = tokens.open(resetToken)
    const person = token && (await resetTokens.findOwner(db, token.id, now()))
    if (token === undefined || person === undefined) throw new AppError('reset.gone')
    if (email !== undefined && email.toLowerCase() !== person.email?.toLowerCase()) throw new AppError('reset.gone')
    const hash = await credentials.hash(newPassword, { ...person, rules })
    const done = await db.transaction().execute(async (trx) => {
      // The account first, as everywhere: a reset and a change of one account must not meet crosswise.
      await people.hold(trx, person.id)
      if (!(await resetTokens.spendResetToken(trx, token.id, now()))) return false
      await replace(trx, person.id, hash)
      return true
    })
    if (!done) throw new AppError('reset.gone')
  }

  async function change(sessionId: string, input: BodyOf<typeof changePassword>): Promise<void> {
    const { newPassword, currentPassword, rules, freshWithinSeconds } = input
    const seen = await sessions.person(sessionId)
    if (!seen.active) throw new AppError('account.unverified')
    if (seen.password_hash === null) {
      const ageMs = now().getTime() - seen.signed_in_at.getTime()
      if (freshWithinSeconds !== null && ageMs > freshWithinSeconds * 1_000) throw new AppError('forbidden')
    } else if (!(await reproof.isPassword(seen, currentPassword))) throw new AppError('credentials.wrong')
    const hash = await credentials.hash(newPassword, { ...seen, rules })
    const refused = await db.transaction().execute<ErrorCode | undefined>(async (trx) => {
      const person = await sessions.hold(trx, sessionId)
      if (person === undefined) return 'token.invalid'
      // Password or phone were changed while this waited for the row, and the sessions of before ended.
      if (asOf(person) !== asOf(seen)) return 'credentials.wrong'
      await replace(trx, person.id, hash, sessionId)
      return undefined
    })
    if (refused !== undefined) throw new AppError(refused)
  }

  async function replace(trx: Trx, userId: string, hash: string, butFor?: string): Promise<void> {
    await people.setPassword(trx, userId, hash)
    await resetTokens.endResetTokens(trx, userId, now())
    await sessions.endAll(trx, userId, butFor)
  }

  return {
    async giveResetToken(trx, person) {
      const at = now()
      const id = uuidv7()
      const expiresAt = new Date(at.getTime() + resetLifeMs)
      await resetTokens.insertResetToken(trx, {
        id,
        user_id: person.id,
        created_at: at,
        expires_at: expiresAt,
        used_at: null,
      })
      return { resetToken: tokens.sign({ id, counter: 0 }), expiresAt: expiresAt.toISOString() }
    },
    reset,
    change,
    endResetTokens: (trx, userId) => resetTokens.endResetTokens(trx, userId, now()),
    async sweep() {
      const before = new Date(now().getTime() - keptMs)
      return inBatches((most) => resetTokens.deleteExpired(db, { before, most }))
    },
  }
}
