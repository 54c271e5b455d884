import type { Identifier, IssuedSession } from '@latchkey/contracts/internal/users'
import type { SessionListed, User } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { ReadIdentifier } from './accounts.js'
import type { GuessPassword } from './guess-password.js'
import type { IsKnown } from './known-devices.js'
import type { Caller, FaceCaller, SignedInCaller, Users } from './ports.js'

/** A session with its owner: all that an access token says. */
export interface OpenSession extends IssuedSession {
  readonly userId: string
}

export interface SignInDeps {
  readonly users: Pick<Users, 'signInWithPassword'>
  readonly readIdentifier: ReadIdentifier
  readonly isKnown: IsKnown
  readonly guessPassword: GuessPassword
}

/** What was typed, under the same name on every face. */
export const nameOf = ({ kind, value }: Identifier): string => `${kind}:${value}`

export type SignInWithAccount = (
  input: { readonly identifier: string | { readonly number: number }; readonly password: string },
  caller: FaceCaller,
  policy: { readonly loginNeedsProof: boolean },
) => Promise<{ user: User; session: OpenSession }>

/** One look-up and one hash, known or not, for a face that has accounts before proof and no step for a second factor. Throws `credentials.wrong`, `account.disabled`, `account.second_factor`, and `account.unverified` after a right password where the policy wants a proof. */
export function createSignInWithAccount({
  users,
  readIdentifier,
  isKnown,
  guessPassword,
}: SignInDeps): SignInWithAccount {
  return async function signInWithAccount({ identifier: typed, password }, caller, { loginNeedsProof }) {
    const { phone: _phone, ...identifier } =
      typeof typed === 'string'
        ? readIdentifier(typed)
        : { kind: 'number' as const, value: String(typed.number), phone: undefined }
    const registrations = { client: caller.client.key, needsProof: loginNeedsProof }
    const known = await isKnown(identifier, { sessionId: caller.sessionId }, caller)
    const admitted = await guessPassword({ account: nameOf(identifier), known }, caller, () =>
      users.signInWithPassword({ identifier, password, face: caller.face, registrations }, caller),
    )
    if ('secondFactor' in admitted) throw new AppError('account.second_factor')
    const { user, session } = admitted
    return { user, session: { ...session, userId: user.id } }
  }
}

export type RefreshSession = (
  refreshToken: string,
  caller: Caller,
) => Promise<OpenSession & { readonly proved: boolean }>

/** The next refresh token; the same one for everybody who asks within the grace. Throws `token.invalid`. */
export function createRefreshSession({ users }: { users: Pick<Users, 'refreshSession'> }): RefreshSession {
  return async function refreshSession(refreshToken, caller) {
    const { userId, proved, session } = await users.refreshSession({ refreshToken, face: caller.face }, caller)
    return { ...session, userId, proved }
  }
}

export type EndSession = (all: boolean, caller: SignedInCaller) => Promise<void>

/** Ends the caller's session, or all sessions of the account. Throws `token.invalid` where it had ended before. */
export function createEndSession({ users }: { users: Pick<Users, 'endSession'> }): EndSession {
  return async function endSession(all, caller) {
    await users.endSession({ sessionId: caller.sessionId }, { all }, caller)
  }
}

export type ListSessions = (caller: SignedInCaller) => Promise<SessionListed[]>

/** Where the account is signed in, the caller's session first. Throws `token.invalid`. */
export function createListSessions({ users }: { users: Pick<Users, 'listSessions'> }): ListSessions {
  return async function listSessions(caller) {
    return (await users.listSessions({ sessionId: caller.sessionId }, undefined, caller)).sessions
  }
}

export type EndOneSession = (id: string, caller: SignedInCaller) => Promise<void>

/** Ends one session of the account. Throws `not.found` for every id that is none of its live ones, `token.invalid`. */
export function createEndOneSession({
  users,
}: {
  users: Pick<Users, 'endOtherSession' | 'getSessionUser'>
}): EndOneSession {
  return async function endOneSession(id, caller) {
    const { sessionId } = caller
    if (isUuid(id)) return void (await users.endOtherSession({ sessionId, otherId: id }, undefined, caller))
    // Whoever is signed out hears that first, whatever he asks for.
    await users.getSessionUser({ sessionId }, undefined, caller)
    throw new AppError('not.found')
  }
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)
