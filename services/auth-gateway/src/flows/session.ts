import type { IssuedSession } from '@latchkey/contracts/internal/users'
import type { User } from '@latchkey/contracts/v1/shapes'
import type { ReadIdentifier } from './accounts.js'
import type { Caller, SignedInCaller, Users } from './ports.js'

/** A session with its owner: all that an access token says. */
export interface OpenSession extends IssuedSession {
  readonly userId: string
}

export type SignInWithPassword = (
  input: { readonly identifier: string; readonly password: string; readonly deviceToken?: string | undefined },
  caller: Caller,
) => Promise<{ user: User; session: OpenSession }>

/** One look-up and one hash, known or not. Throws `credentials.wrong`, `account.disabled`, `request.invalid`. */
export function createSignInWithPassword({
  users,
  readIdentifier,
}: {
  users: Pick<Users, 'signInWithPassword'>
  readIdentifier: ReadIdentifier
}): SignInWithPassword {
  return async function signInWithPassword({ identifier: typed, password, deviceToken }, caller) {
    const { phone: _phone, ...identifier } = readIdentifier(typed)
    const { user, session } = await users.signInWithPassword(
      { identifier, password, face: caller.face, ...(deviceToken !== undefined && { deviceToken }) },
      caller,
    )
    return { user, session: { ...session, userId: user.id } }
  }
}

export type RefreshSession = (refreshToken: string, caller: Caller) => Promise<OpenSession>

/** The next refresh token; the same one for everybody who asks within the grace. Throws `token.invalid`. */
export function createRefreshSession({ users }: { users: Pick<Users, 'refreshSession'> }): RefreshSession {
  return async function refreshSession(refreshToken, caller) {
    const { userId, session } = await users.refreshSession({ refreshToken, face: caller.face }, caller)
    return { ...session, userId }
  }
}

export type EndSession = (all: boolean, caller: SignedInCaller) => Promise<void>

/** Ends the caller's session, or all sessions of the account. Throws `token.invalid` where it had ended before. */
export function createEndSession({ users }: { users: Pick<Users, 'endSession'> }): EndSession {
  return async function endSession(all, caller) {
    await users.endSession({ sessionId: caller.sessionId }, { all }, caller)
  }
}
