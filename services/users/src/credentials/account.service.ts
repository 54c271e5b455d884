import { Email } from '@latchkey/contracts/address'
import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { setSecondFactor } from '@latchkey/contracts/internal/account-changes'
import { AppError } from '@latchkey/kit/app-error'
import { Value } from 'typebox/value'
import type { Db } from '../database.js'
import type { People, Person } from '../people/people.service.js'
import type { Traces } from '../traces/traces.service.js'
import type { Reproof, ShownAgain } from './reproof.service.js'

/** What somebody may do to the whole of his account, once he has shown again who he is. */
export interface Account {
  /** Wants the password, however recent the sign-in, `forbidden` where there is none; `account.unverified` where there is no phone that could get the code. */
  setSecondFactor(sessionId: string, input: BodyOf<typeof setSecondFactor>): Promise<Person>
  /** Everything that is kept about the account goes, its sessions with it, and its phone is free. */
  remove(sessionId: string, shown: ShownAgain): Promise<void>
}

interface AccountNeeds {
  readonly db: Db
  readonly people: People
  readonly reproof: Reproof
  readonly traces: Pick<Traces, 'forget'>
}

const isTraced = (email: string | null): email is Email => Value.Check(Email, email)

export function createAccount({ db, people, reproof, traces }: AccountNeeds): Account {
  return {
    async setSecondFactor(sessionId, { enabled, password }) {
      const asked = await reproof.askPassword(sessionId, password)
      return db.transaction().execute(async (trx) => {
        const person = await reproof.hold(trx, sessionId, asked)
        if (enabled && person.phone === null) throw new AppError('account.unverified')
        return people.setSecondFactor(trx, person.id, enabled)
      })
    },
    async remove(sessionId, shown) {
      const asked = await reproof.ask(sessionId, shown)
      await db.transaction().execute(async (trx) => {
        const { id, phone, email, email_verified_at: proved } = await reproof.hold(trx, sessionId, asked)
        if (phone !== null) await traces.forget(trx, phone)
        // Of one that was not proved the trace is of whoever it belongs to.
        if (isTraced(email) && proved !== null) await traces.forget(trx, email)
        await people.remove(trx, id)
      })
    },
  }
}
