import type { AuditEntry } from '@latchkey/contracts/admin/audit'
import type { QueueAct } from '@latchkey/contracts/queues/delivery-event'
import { invalidField } from '@latchkey/kit/app-error'
import { type Db, isStorable, type Trx } from '../database.js'
import { findEntries, insertEntry, insertTold } from './audit.repository.js'

/** What an operator did. Ids and keyed hashes only: no secret, no phone, no name. */
export interface Act {
  /** As `Admins.admit` gives it. */
  readonly actor: string
  /** `<feature>.<verb>`. */
  readonly action: string
  readonly target?: string
  readonly why?: string | undefined
  readonly detail?: AuditEntry['detail']
}

/** What operators did. Nothing here is ever changed or taken out. */
export interface Audit {
  /** Writes an act down in the transaction of its effect: neither is there without the other. Throws `request.invalid` for a reason that cannot be stored. */
  record(trx: Trx, act: Act): Promise<void>
  /** Writes an act down that the worker told of, once, with the time at which it was begun. */
  hear(act: QueueAct): Promise<void>
  /** Newest first, 50 where no limit is named. */
  read(page: { before?: number | undefined; limit?: number | undefined }): Promise<AuditEntry[]>
}

export function createAudit({ db, now }: { db: Db; now: () => Date }): Audit {
  return {
    async record(trx, { actor, action, target = null, why = null, detail = {} }) {
      if (why !== null && !isStorable(why)) throw invalidField('/why', 'contains characters that cannot be stored')
      await insertEntry(trx, { at: now(), actor, action, target, why, detail })
    },
    async hear({ id, at, actor, action, target, why = null, about }) {
      const detail = about === undefined ? {} : { about }
      await insertTold(db, { told_id: id, at: new Date(at), actor, action, target, why, detail })
    },
    async read({ before, limit = 50 }) {
      const rows = await findEntries(db, { before, limit })
      return rows.map(({ id, at, told_id: _toldId, ...entry }) => ({ id: Number(id), at: at.toISOString(), ...entry }))
    },
  }
}
