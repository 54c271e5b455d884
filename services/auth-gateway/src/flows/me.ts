import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { patchMe } from '@latchkey/contracts/v1/me'
import type { User } from '@latchkey/contracts/v1/shapes'
import { checkStorable, readUsername } from './accounts.js'
import type { CheckProfile, SignedInCaller, Users } from './ports.js'
import type { TellConflict } from './tell-conflict.js'

export type GetMe = (caller: SignedInCaller) => Promise<User>

/** The account behind the caller's session. Throws `token.invalid` where the session has ended. */
export function createGetMe({ users }: { users: Pick<Users, 'getSessionUser'> }): GetMe {
  return async function getMe(caller) {
    return (await users.getSessionUser({ sessionId: caller.sessionId }, undefined, caller)).user
  }
}

export type ChangeMe = (change: BodyOf<typeof patchMe>, caller: SignedInCaller) => Promise<User>

/** Changes what is named, leaves the rest; all of it or nothing. Throws `request.invalid` (a taken username too), `token.invalid`, `rate.limited`. */
export function createChangeMe({
  users,
  tellConflict,
  checkProfile,
}: {
  users: Pick<Users, 'patchSessionUser'>
  tellConflict: TellConflict
  checkProfile: CheckProfile
}): ChangeMe {
  return async function changeMe(change, caller) {
    checkStorable('/name', change.name)
    checkStorable('/profile', change.profile)
    if (change.profile !== undefined) checkProfile(change.profile)
    const { sessionId } = caller
    if (typeof change.username !== 'string') return (await users.patchSessionUser({ sessionId }, change, caller)).user
    const named = { ...change, username: readUsername(change.username) }
    const take = () => users.patchSessionUser({ sessionId }, named, caller)
    return (await tellConflict(caller, 'request.invalid', take)).user
  }
}
