import { type GuessPassword, guessOwnPassword } from './guess-password.js'
import type { SignedInCaller } from './ports.js'

/** What somebody who is signed in shows for a change that could lose him his account: the password, or a recent sign-in. */
export interface ShownAgain {
  readonly password?: string | undefined
  readonly freshWithinSeconds: number
}

/** Has users look at it; a password is counted as a guess. */
export function showAgain<T>(
  { password, freshWithinSeconds }: ShownAgain,
  caller: SignedInCaller,
  guessPassword: GuessPassword,
  ask: (shown: { readonly password: string | null; readonly freshWithinSeconds: number }) => Promise<T>,
): Promise<T> {
  if (password === undefined) return ask({ password: null, freshWithinSeconds })
  return guessOwnPassword(guessPassword, caller, () => ask({ password, freshWithinSeconds }))
}
