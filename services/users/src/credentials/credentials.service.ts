import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { giveResetToken, prepareSignUp, signInWithPassword } from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import type { SignedTokens } from '@latchkey/kit/signed-token'
import type { Logger } from 'pino'
import { v7 as uuidv7 } from 'uuid'
import type { Db, Trx } from '../database.js'
import { type People, type Person, toUser } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import { hashOfNothing, type PasswordHasher } from './password-hasher.js'
import { isPossible, normalizePassword, weaknesses } from './password-policy.js'
import { insertResetToken } from './reset-tokens.repository.js'

export interface Credentials {
  /** The same work for a phone that is known and one that is not: one look-up, and one hash where a password came. */
  prepareSignUp(input: BodyOf<typeof prepareSignUp>): Promise<ReplyOf<typeof prepareSignUp>>
  /** One look-up and one comparison, whoever asks; a full session only after a right password. */
  signIn(input: BodyOf<typeof signInWithPassword>): Promise<ReplyOf<typeof signInWithPassword>>
  /** Good for 15 min, once. Only its id is stored. */
  giveResetToken(trx: Trx, person: Person): Promise<ReplyOf<typeof giveResetToken>>
}

interface CredentialsNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Sessions
  readonly hasher: PasswordHasher
  readonly tokens: SignedTokens
  readonly now: () => Date
  readonly log: Logger
}

const resetLifeMs = 15 * 60_000

export function createCredentials({ db, people, sessions, hasher, tokens, now, log }: CredentialsNeeds): Credentials {
  async function signIn({ identifier, password, face, deviceToken }: BodyOf<typeof signInWithPassword>) {
    const found = await people.find(identifier)
    const possible = isPossible(password)
    const right = await hasher.verify(
      found?.password_hash ?? hashOfNothing,
      possible ? normalizePassword(password) : 'impossible',
    )
    if (found === undefined || found.password_hash === null || !possible || !right)
      throw new AppError('credentials.wrong')
    if (found.disabled_at !== null) throw new AppError('account.disabled')

    const admitted = await db.transaction().execute(async (trx) => {
      const person = await people.hold(trx, found.id)
      // Between the look-up and now the password may have been changed, and every session of the old one ended.
      if (person === undefined || person.password_hash !== found.password_hash) return 'credentials.wrong'
      if (person.disabled_at !== null) return 'account.disabled'
      return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken }) }
    })
    if (typeof admitted === 'string') throw new AppError(admitted)
    await renew(found.id, found.password_hash, password)
    return admitted
  }

  /** Hashes again with today's parameters. A failure is left for the next sign-in. */
  async function renew(id: string, outdated: string, password: string): Promise<void> {
    if (!hasher.isOutdated(outdated)) return
    try {
      await people.replaceHash(id, outdated, await hasher.hash(normalizePassword(password)))
    } catch (err) {
      log.warn({ err, userId: id }, 'an outdated password hash was not renewed')
    }
  }

  return {
    async prepareSignUp({ phone, email, password }) {
      const reasons = password === null ? [] : weaknesses(password, { phone, email })
      if (reasons.length > 0) throw new AppError('password.weak', { reasons })
      const known = await people.find({ kind: 'phone', value: phone })
      const passwordHash = password === null ? null : await hasher.hash(normalizePassword(password))
      return { known: known !== undefined, passwordHash }
    },
    signIn,
    async giveResetToken(trx, person) {
      const at = now()
      const id = uuidv7()
      const expiresAt = new Date(at.getTime() + resetLifeMs)
      await insertResetToken(trx, { id, user_id: person.id, created_at: at, expires_at: expiresAt, used_at: null })
      return { resetToken: tokens.sign({ id, counter: 0 }), expiresAt: expiresAt.toISOString() }
    },
  }
}
