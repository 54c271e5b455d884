import type { PasswordRules } from '@latchkey/contracts/internal/users'
import { readEmail } from './accounts.js'
import { type GuessPassword, guessOwnPassword } from './guess-password.js'
import type { Caller, SignedInCaller, Users } from './ports.js'

export type ResetPassword = (
  input: { readonly resetToken: string; readonly newPassword: string; readonly email?: string },
  caller: Caller,
  rules: PasswordRules,
) => Promise<void>

/** Sets a new password by a reset token, once; every session ends. With `email`, only of that account. Throws `reset.gone`, `password.weak`. */
export function createResetPassword({ users }: { users: Pick<Users, 'resetPassword'> }): ResetPassword {
  return async function resetPassword({ resetToken, newPassword, email }, caller, rules) {
    await users.resetPassword(
      { resetToken, newPassword, rules, ...(email !== undefined && { email: readEmail(email) }) },
      caller,
    )
  }
}

export type ChangePassword = (
  input: { readonly newPassword: string; readonly currentPassword?: string | undefined },
  caller: SignedInCaller,
  policy: {
    readonly rules: PasswordRules
    /** Where no password is set yet: how long ago the sign-in may be; null where it does not matter. */
    readonly freshWithinSeconds: number | null
  },
) => Promise<void>

/**
 * Sets a new password; every other session ends. Throws `password.weak`, `credentials.wrong`, `token.invalid`,
 * `account.unverified` before the phone is proved, `forbidden` where the sign-in is too long ago, `rate.limited`.
 */
export function createChangePassword({
  users,
  guessPassword,
}: {
  users: Pick<Users, 'changePassword'>
  guessPassword: GuessPassword
}): ChangePassword {
  return async function changePassword({ newPassword, currentPassword = null }, caller, policy) {
    const { sessionId } = caller
    await guessOwnPassword(guessPassword, caller, () =>
      users.changePassword({ sessionId }, { newPassword, currentPassword, ...policy }, caller),
    )
  }
}
