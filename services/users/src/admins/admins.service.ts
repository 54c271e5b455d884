import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { Admin, By, createAdmin, revokeAdmin } from '@latchkey/contracts/internal/admins'
import { lastTwoOf } from '@latchkey/contracts/phone'
import { AppError } from '@latchkey/kit/app-error'
import type { Audit } from '../audit/audit.service.js'
import type { Db, Trx } from '../database.js'
import { adminRole, type People, type Person } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'

/** Who may do what operators do. */
export interface Admins {
  /** Who asks, as the audit names him. Throws `forbidden` for an account that is no admin now, `token.invalid` where its session is over. */
  admit(by: By): Promise<string>
  /** Makes the owner of a proved phone an admin, in the sessions he has as well. Throws `not.found`, `account.disabled`. */
  create(order: BodyOf<typeof createAdmin>): Promise<ReplyOf<typeof createAdmin>>
  list(): Promise<Admin[]>
  /** Holds for the very next call. Throws `not.found` for whoever is no admin. */
  revoke(order: BodyOf<typeof revokeAdmin>): Promise<ReplyOf<typeof revokeAdmin>>
}

interface AdminsNeeds {
  readonly db: Db
  readonly people: Pick<People, 'hold' | 'holdOwner' | 'setRole' | 'withRole'>
  readonly sessions: Pick<Sessions, 'person'>
  readonly audit: Audit
}

export function createAdmins({ db, people, sessions, audit }: AdminsNeeds): Admins {
  async function admit(by: By): Promise<string> {
    if ('operator' in by) return `cli:${by.operator}`
    const person = await sessions.person(by.sessionId)
    if (!isAdmin(person)) throw new AppError('forbidden')
    return `admin:${person.id}`
  }

  /** One act on one account, and the line in the audit that tells of it. */
  async function change(
    trx: Trx,
    person: Person,
    { by, why, to }: { by: By; why: string | undefined; to: 'admin' | 'before' },
  ): Promise<Person> {
    const changed = await people.setRole(trx, person, to)
    await audit.record(trx, {
      actor: await admit(by),
      action: to === 'admin' ? 'admin.create' : 'admin.revoke',
      target: person.id,
      why,
      detail: { from: person.role, to: changed.role },
    })
    return changed
  }

  return {
    admit,
    create: ({ phone, by, why }) =>
      db.transaction().execute(async (trx) => {
        const person = await people.holdOwner(trx, phone)
        if (person === undefined) throw new AppError('not.found')
        if (person.disabled_at !== null) throw new AppError('account.disabled')
        if (isAdmin(person)) return { admin: shown(person), changed: false }
        return { admin: shown(await change(trx, person, { by, why, to: 'admin' })), changed: true }
      }),
    list: async () => (await people.withRole(adminRole)).map(shown),
    revoke: ({ admin, by, why }) =>
      db.transaction().execute(async (trx) => {
        const person = 'phone' in admin ? await people.holdOwner(trx, admin.phone) : await people.hold(trx, admin.id)
        if (person === undefined || !isAdmin(person)) throw new AppError('not.found')
        return { admin: shown(await change(trx, person, { by, why, to: 'before' })) }
      }),
  }
}

/** Before its proof an account is nobody's. */
const isAdmin = ({ role, active }: Person): boolean => role === adminRole && active

const shown = ({ id, phone, name, role_changed_at: since }: Person): Admin => ({
  id,
  phone: phone === null ? null : lastTwoOf(phone),
  name,
  since: since?.toISOString() ?? null,
})
