import type { AuditEntry } from '@latchkey/contracts/admin/audit'
import type { SignedInCaller, Users } from './ports.js'

export type ListAudit = (
  page: { readonly before?: number; readonly limit?: number },
  caller: SignedInCaller,
) => Promise<AuditEntry[]>

/** What operators did, newest first. Throws `forbidden` for whoever is no admin. */
export function createListAudit({ users }: { users: Pick<Users, 'readAudit'> }): ListAudit {
  return async function listAudit(page, caller) {
    return (await users.readAudit({ by: { sessionId: caller.sessionId }, ...page }, caller)).entries
  }
}
