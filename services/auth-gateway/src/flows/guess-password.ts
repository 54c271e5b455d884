import { AppError } from '@latchkey/kit/app-error'
import type { GuessBudgets } from '../abuse/guess-budgets.js'
import { tooSoon } from './accounts.js'
import type { Caller, SignedInCaller } from './ports.js'

/** Whose password is guessed at: what was typed, or whose session it is. */
export interface Guessed {
  readonly account: string
  /** Whether one of its own devices asks. */
  readonly known: boolean
}

/**
 * Has a password compared, counted before that for the account and, where a stranger asks, for his network. What was no wrong
 * password is given back. Throws `rate.limited`, and what the comparison throws.
 */
export type GuessPassword = <T>(guessed: Guessed, caller: Caller, compare: () => Promise<T>) => Promise<T>

/** The same for the password of whoever is signed in. A session is no proof of it: who holds a stolen one guesses no more than anybody. */
export const guessOwnPassword = <T>(
  guessPassword: GuessPassword,
  caller: SignedInCaller,
  compare: () => Promise<T>,
): Promise<T> => guessPassword({ account: `session:${caller.userId}`, known: true }, caller, compare)

export function createGuessPassword({ guesses }: { guesses: GuessBudgets }): GuessPassword {
  return async function guessPassword({ account, known }, caller, compare) {
    const counted = await guesses.password(account, { known, network: caller.guesser })
    if (counted.verdict === 'limited') throw tooSoon(counted.retryAt)
    try {
      const right = await compare()
      // Not awaited: nobody waits for a count that is his own.
      void counted.giveBack().catch(() => undefined)
      return right
    } catch (error) {
      const wrong = error instanceof AppError && error.code === 'credentials.wrong'
      if (!wrong) void counted.giveBack().catch(() => undefined)
      throw error
    }
  }
}
