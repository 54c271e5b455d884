import type { Conversion } from '@latchkey/contracts/admin/conversion'
import type { SignedInCaller, Users } from './ports.js'

export type ListConversion = (
  days: { readonly from?: string; readonly to?: string },
  caller: SignedInCaller,
) => Promise<Conversion[]>

/** What messages led to and cost. Throws `request.invalid` for more than a month, `forbidden` for whoever is no admin. */
export function createListConversion({ users }: { users: Pick<Users, 'readConversion'> }): ListConversion {
  return async function listConversion(days, caller) {
    return (await users.readConversion({ by: { sessionId: caller.sessionId }, ...days }, caller)).rows
  }
}
