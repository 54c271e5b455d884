import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { register } from '@latchkey/contracts/internal/registrations'
import type { Credentials } from '../credentials/credentials.service.js'
import type { Db } from '../database.js'
import type { Claims } from '../people/claims.service.js'
import { heldError, type People, toUser } from '../people/people.service.js'
import type { Sessions, WithAgent } from '../sessions/sessions.service.js'

/** Accounts before their proof, and their first session. */
export interface Registrations extends Pick<Claims, 'find' | 'drop'> {
  /** One hash where a password came, whatever is held. Throws `request.invalid`, `password.weak`, `account.exists`. */
  register(input: WithAgent<BodyOf<typeof register>>): Promise<ReplyOf<typeof register>>
}

interface RegistrationsNeeds {
  readonly db: Db
  readonly people: People
  readonly claims: Claims
  readonly credentials: Pick<Credentials, 'hash'>
  readonly sessions: Sessions
}

export function createRegistrations({ db, people, claims, credentials, sessions }: RegistrationsNeeds): Registrations {
  return {
    async register({ password, rules, hideConflicts, userAgent, ...claim }) {
      people.check(claim)
      const { phone, email, face } = claim
      // Before anything is looked up: who is told that something is taken has waited as long as everybody else.
      const passwordHash = password === null ? null : await credentials.hash(password, { phone, email, rules })
      const made = await db.transaction().execute(async (trx) => {
        const { person, held } = await claims.make(trx, { ...claim, passwordHash }, hideConflicts)
        if (person === undefined) return heldError(held)
        const session = await sessions.open(trx, { person, face, deviceToken: undefined, userAgent })
        return { user: toUser(person), session, taken: held.includes('phone') }
      })
      if (made instanceof Error) throw made
      return made
    },
    find: claims.find,
    drop: claims.drop,
  }
}
