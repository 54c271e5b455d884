import type { User } from '@latchkey/contracts/v1/shapes'
import { type GuessPassword, guessOwnPassword } from './guess-password.js'
import type { Caller, SignedInCaller, Users } from './ports.js'
import { type ShownAgain, showAgain } from './shown-again.js'

export type SetSecondFactor = (
  input: { readonly enabled: boolean; readonly password: string },
  caller: SignedInCaller,
) => Promise<User>

/** From now on a log-in takes password and code, or not any more. Throws `credentials.wrong`, `forbidden` where there is no password, `token.invalid`, `account.unverified`. */
export function createSetSecondFactor({
  users,
  guessPassword,
}: {
  users: Pick<Users, 'setSecondFactor'>
  guessPassword: GuessPassword
}): SetSecondFactor {
  return async function setSecondFactor(input, caller) {
    const { sessionId } = caller
    const { user } = await guessOwnPassword(guessPassword, caller, () =>
      users.setSecondFactor({ sessionId }, input, caller),
    )
    return user
  }
}

export type DeleteAccount = (shown: ShownAgain, caller: SignedInCaller) => Promise<void>

/** Everything that is kept about the account goes; what waits in Redis leads nowhere, and is gone in minutes. Throws `credentials.wrong`, `forbidden`, `token.invalid`. */
export function createDeleteAccount({
  users,
  guessPassword,
}: {
  users: Pick<Users, 'deleteAccount'>
  guessPassword: GuessPassword
}): DeleteAccount {
  return async function deleteAccount(shown, caller) {
    const { sessionId } = caller
    await showAgain(shown, caller, guessPassword, (again) => users.deleteAccount({ sessionId }, again, caller))
  }
}

export type UndoChange = (token: string, caller: Caller) => Promise<void>

/** Gives an account its old phone and e-mail back. Throws `undo.gone`, `account.exists` where somebody else proved it since. */
export function createUndoChange({ users }: { users: Pick<Users, 'undoPhoneChange'> }): UndoChange {
  return async function undoChange(token, caller) {
    await users.undoPhoneChange({ token }, caller)
  }
}
