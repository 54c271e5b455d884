import { type Address, Email } from '@latchkey/contracts/address'
import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { DataSubject, eraseData, exportData } from '@latchkey/contracts/internal/own-data'
import { Value } from 'typebox/value'
import type { Admins } from '../admins/admins.service.js'
import type { Audit } from '../audit/audit.service.js'
import type { Db } from '../database.js'
import type { People } from '../people/people.service.js'
import type { Traces } from '../traces/traces.service.js'
import { findBelongings, findTheirs, holdTheirs } from './own-data.repository.js'

/** What anybody may ask for about himself, by way of an operator who knows that it is him. */
export interface OwnDataRequests {
  /** Everything that is kept about him. The look stands in the audit. */
  export(order: BodyOf<typeof exportData>): Promise<ReplyOf<typeof exportData>>
  /** Nothing that names him is left afterwards, and that an operator did it is written down; the same again erases what came since. */
  erase(order: BodyOf<typeof eraseData>): Promise<ReplyOf<typeof eraseData>>
}

interface OwnDataNeeds {
  readonly db: Db
  readonly people: Pick<People, 'remove'>
  readonly traces: Pick<Traces, 'storiesOf' | 'nameOf' | 'forget'>
  readonly admins: Pick<Admins, 'admit'>
  readonly audit: Pick<Audit, 'record'>
}

type Theirs = Awaited<ReturnType<typeof holdTheirs>>[number]

export function createOwnData({ db, people, traces, admins, audit }: OwnDataNeeds): OwnDataRequests {
  /** How the audit names somebody: by what he cannot be found with. */
  const targetOf = (whose: DataSubject): string => {
    if ('id' in whose) return whose.id
    return 'phone' in whose ? `phone:${traces.nameOf(whose.phone)}` : `email:${traces.nameOf(whose.email)}`
  }

  return {
    async export({ by, whose, why }) {
      const act = { actor: await admins.admit(by), action: 'person.export', target: targetOf(whose), why }
      await db.transaction().execute((trx) => audit.record(trx, act))
      const theirs = await findTheirs(db, whose).execute()
      const belongings = await findBelongings(
        db,
        theirs.filter((row) => isHis(row, whose)).map(({ id }) => id),
      )
      const codes = await Promise.all(addressesOf(theirs, whose).map((address) => traces.storiesOf(address)))
      const told = new Map(codes.flat().map((story) => [JSON.stringify(story), story]))
      return { accounts: theirs.map((row) => shown(row, whose)), ...belongings, codes: [...told.values()] }
    },
    async erase({ by, whose, why }) {
      const actor = await admins.admit(by)
      return db.transaction().execute(async (trx) => {
        const theirs = await holdTheirs(trx, whose)
        let notes = 0
        for (const address of addressesOf(theirs, whose)) notes += await traces.forget(trx, address)
        for (const { id } of theirs) await people.remove(trx, id)
        const accounts = theirs.filter(({ active }) => active).length
        const done = { accounts, registrations: theirs.length - accounts, notes }
        await audit.record(trx, { actor, action: 'person.erase', target: targetOf(whose), why, detail: done })
        return done
      })
    },
  }
}

const isHis = ({ active }: Theirs, whose: DataSubject): boolean => active || 'id' in whose

/**
 * A registration as the owner of what it claims may see it. Nobody proved that both are the same person: whoever mistyped an e-mail does
 * not have his phone and name given to its owner.
 */
function shown(row: Theirs, whose: DataSubject): Partial<Theirs> {
  if (isHis(row, whose)) return row
  const { id, active, registered_face, created_at, updated_at } = row
  const claim = 'phone' in whose ? { claimed_phone: row.claimed_phone } : { claimed_email: row.claimed_email }
  return { id, active, registered_face, created_at, updated_at, ...claim }
}

/** Where codes for somebody went: what was named, and what his account has proved. */
function addressesOf(theirs: readonly Theirs[], whose: DataSubject): Address[] {
  const named = 'phone' in whose ? [whose.phone] : 'email' in whose ? [whose.email] : []
  const proved = theirs.flatMap(({ phone, email, email_verified_at: at }) => [
    ...(phone === null ? [] : [phone]),
    ...(at !== null && Value.Check(Email, email) ? [email] : []),
  ])
  return [...new Set<Address>([...named, ...proved])]
}
