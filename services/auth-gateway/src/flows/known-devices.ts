import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { findPhone } from '@latchkey/contracts/internal/owners'
import type { Identifier } from '@latchkey/contracts/internal/users'
import type { Caller, Users } from './ports.js'

/** What a caller may bring to be known as a device of an account. */
export interface Credential {
  readonly deviceToken?: string | undefined
  readonly sessionId?: string | undefined
}

/** The question about an identifier, with what the caller brought. */
export function withProof(identifier: Identifier, { deviceToken, sessionId }: Credential): BodyOf<typeof findPhone> {
  if (deviceToken === undefined && sessionId === undefined) return { identifier }
  const knownBy = { ...(deviceToken !== undefined && { deviceToken }), ...(sessionId !== undefined && { sessionId }) }
  return { identifier, knownBy }
}

/** Whether a caller is a device of the account behind an identifier. Asks nobody where he brought nothing; what is foreign or forged is as none. */
export type IsKnown = (identifier: Identifier, brought: Credential, caller: Caller) => Promise<boolean>

export function createIsKnown({ users }: { users: Pick<Users, 'findPhone'> }): IsKnown {
  return async function isKnown(identifier, brought, caller) {
    const question = withProof(identifier, brought)
    return question.knownBy !== undefined && (await users.findPhone(question, caller)).known
  }
}
