import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { deleteAccount } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import type { Trx } from '../database.js'
import { asOf, type Person } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import type { PasswordHasher } from './password-hasher.js'
import { isPossible, normalizePassword } from './password-policy.js'

/** What somebody who is signed in shows for a change that could lose him his account. */
export type ShownAgain = BodyOf<typeof deleteAccount>

/** Asks somebody who is signed in once more who he is: whoever only got hold of a session must not take the account with it. */
export interface Reproof {
  /**
   * The account of a live session whose password is right, or, where none is given, whose sign-in is recent. Throws
   * `token.invalid`, `credentials.wrong`, `forbidden`.
   */
  ask(sessionId: string, shown: ShownAgain): Promise<Person>
  /** The same by the password only, however recent the sign-in; `forbidden` where there is none to ask for. */
  askPassword(sessionId: string, password: string): Promise<Person>
  /** Whether this is the password of the account; never where it has none. */
  isPassword(person: Person, password: string | null): Promise<boolean>
  /** Holds the account that was asked, as long as its session lives and nobody changed password or phone meanwhile. */
  hold(trx: Trx, sessionId: string, asked: Person): Promise<Person>
}

export function createReproof({
  sessions,
  hasher,
  now,
}: {
  sessions: Pick<Sessions, 'person' | 'hold'>
  hasher: PasswordHasher
  now: () => Date
}): Reproof {
  // Whoever asks has a live session of this account, or its code: that nothing is compared where nothing can be right tells him nothing.
  const isPassword: Reproof['isPassword'] = async ({ password_hash: hash }, password) =>
    hash !== null && password !== null && isPossible(password) && hasher.verify(hash, normalizePassword(password))

  async function ifRight(person: Person, password: string): Promise<Person> {
    if (!(await isPassword(person, password))) throw new AppError('credentials.wrong')
    return person
  }

  async function askSignIn(sessionId: string, withinSeconds: number): Promise<Person> {
    const person = await sessions.person(sessionId)
    // Since the sign-in, whatever was refreshed since: a refresh takes no more than what a thief has.
    if (now().getTime() - person.signed_in_at.getTime() > withinSeconds * 1_000) throw new AppError('forbidden')
    return person
  }

  return {
    ask: async (sessionId, { password, freshWithinSeconds }) =>
      password === null
        ? askSignIn(sessionId, freshWithinSeconds)
        : ifRight(await sessions.person(sessionId), password),
    async askPassword(sessionId, password) {
      const person = await sessions.person(sessionId)
      // No guess: there is nothing to be right about.
      if (person.password_hash === null) throw new AppError('forbidden', { detail: 'Set a password first.' })
      return ifRight(person, password)
    },
    isPassword,
    async hold(trx, sessionId, asked) {
      const person = await sessions.hold(trx, sessionId)
      if (person === undefined) throw new AppError('token.invalid')
      // Its session may have ended while this waited for the row: what ended it left its mark here.
      if (asOf(person) !== asOf(asked)) throw new AppError('credentials.wrong')
      return person
    },
  }
}
