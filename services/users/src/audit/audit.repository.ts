import type { Insertable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { AuditTable } from './audit.table.js'

export async function insertEntry(trx: Trx, row: Insertable<AuditTable>): Promise<void> {
  await trx.insertInto('audit').values(row).execute()
}

/** Writes an act down that was told; one that is there stays as it is. */
export async function insertTold(db: Db, row: Insertable<AuditTable>): Promise<void> {
  await db
    .insertInto('audit')
    .values(row)
    .onConflict((conflict) => conflict.column('told_id').doNothing())
    .execute()
}

/** Newest first, older than `before` where that is given. */
export function findEntries(db: Db, { before, limit }: { before: number | undefined; limit: number }) {
  return db
    .selectFrom('audit')
    .selectAll()
    .$if(before !== undefined, (query) => query.where('id', '<', String(before)))
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}
