import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { prepareSignUp, signInWithPassword } from '@latchkey/contracts/internal/users'
import type { ErrorCode } from '@latchkey/contracts/errors'
import { AppError } from '@latchkey/kit/app-error'
import type { Logger } from 'pino'
import type { Db } from '../database.js'
import { asOf, type People, type Person, toUser } from '../people/people.service.js'
import type { Sessions, WithAgent } from '../sessions/sessions.service.js'
import { hashOfNothing, type PasswordHasher } from './password-hasher.js'
import { isPossible, normalizePassword, type PasswordOwner, weaknesses } from './password-policy.js'

export interface Credentials {
  /** The hash of a password that keeps the rules. Throws `password.weak`. */
  hash(password: string, owner: PasswordOwner): Promise<string>
  /** The same work for a phone, or without one an e-mail, that is known and one that is not: one look-up, and one hash where a password came. */
  prepareSignUp(input: BodyOf<typeof prepareSignUp>): Promise<ReplyOf<typeof prepareSignUp>>
  /**
   * One look-up and one comparison, whoever asks. After a right password a session; where a second factor is on and the face has
   * a step for it, what its code is to be sent for.
   */
  signIn(input: WithAgent<BodyOf<typeof signInWithPassword>>): Promise<ReplyOf<typeof signInWithPassword>>
}

type SignIn = ReplyOf<typeof signInWithPassword>

interface CredentialsNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Sessions
  readonly hasher: PasswordHasher
  readonly log: Logger
}

export function createCredentials({ db, people, sessions, hasher, log }: CredentialsNeeds): Credentials {
  async function signIn(input: WithAgent<BodyOf<typeof signInWithPassword>>) {
    const { identifier, password, face, deviceToken, userAgent, registrations, takesSecondFactor = false } = input
    const possible = isPossible(password)
    const compared = possible ? normalizePassword(password) : 'impossible'
    const { found, right } = await hasher.inTurn(async (verify) => {
      const found = await people.find(identifier, registrations && { face, client: registrations.client })
      return { found, right: await verify(found?.password_hash ?? hashOfNothing, compared) }
    })
    if (found === undefined || found.password_hash === null || !possible || !right)
      throw new AppError('credentials.wrong')

    const admitted = await db.transaction().execute<SignIn | ErrorCode>(async (trx) => {
      const person = await people.hold(trx, found.id)
      // Between the look-up and now the password may have been changed, and every session of the old one ended.
      if (person === undefined || person.password_hash !== found.password_hash) return 'credentials.wrong'
      const refused = refusal(person, registrations?.needsProof ?? true)
      if (refused !== undefined) return refused
      if (person.second_factor) {
        if (!takesSecondFactor || person.phone === null) return 'account.second_factor'
        return { secondFactor: { userId: person.id, phone: person.phone, asOf: asOf(person) } }
      }
      await people.noteSignIn(trx, person.id)
      return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken, userAgent }) }
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
    async hash(password, owner) {
      judge(password, owner)
      return hasher.hash(normalizePassword(password))
    },
    async prepareSignUp({ phone, email, password, rules = 'standard', hash = true }) {
      if (password !== null) judge(password, { phone, email, rules })
      const passwordHash = password === null || !hash ? null : await hasher.hash(normalizePassword(password))
      if (phone !== null) {
        const known = await people.find({ kind: 'phone', value: phone })
        return { known: known !== undefined, passwordHash }
      }
      // Who only said that it is his loses it to the proof that now begins.
      const holder = await people.find({ kind: 'email', value: email ?? '' })
      return { known: holder !== undefined && holder.email_verified_at !== null, passwordHash }
    },
    signIn,
  }
}

function judge(password: string, owner: PasswordOwner): void {
  const reasons = weaknesses(password, owner)
  if (reasons.length > 0) throw new AppError('password.weak', { reasons })
}

/** What a right password does not open. */
function refusal(person: Person, needsProof: boolean): ErrorCode | undefined {
  if (person.disabled_at !== null) return 'account.disabled'
  return needsProof && !person.active ? 'account.unverified' : undefined
}
