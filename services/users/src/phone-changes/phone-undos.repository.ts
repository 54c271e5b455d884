import type { Insertable, Selectable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { PhoneUndoTable } from './phone-undos.table.js'

export type PhoneUndo = Selectable<PhoneUndoTable>

export async function insertUndo(trx: Trx, row: Insertable<PhoneUndoTable>): Promise<void> {
  await trx.insertInto('phone_undos').values(row).execute()
}

export function findUndo(db: Db, tokenHash: string, at: Date): Promise<PhoneUndo | undefined> {
  return db
    .selectFrom('phone_undos')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .where('expires_at', '>', at)
    .executeTakeFirst()
}

/** Deletes an undo and every younger one of the account; says whether it was still there. */
export async function spendUndo(trx: Trx, undo: PhoneUndo): Promise<boolean> {
  const spent = await trx
    .deleteFrom('phone_undos')
    .where('user_id', '=', undo.user_id)
    .where('number', '>=', undo.number)
    .returning('token_hash')
    .execute()
  return spent.some(({ token_hash: hash }) => hash === undo.token_hash)
}

/** Deletes what expired before this, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteExpired(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const expired = db
    .selectFrom('phone_undos')
    .select('token_hash')
    .where('expires_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('phone_undos').where('token_hash', 'in', expired).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
