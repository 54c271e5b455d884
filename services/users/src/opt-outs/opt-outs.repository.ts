import { type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { OptOutTable, OptOutWordTable } from './opt-outs.table.js'

/** The next version of the list. Whoever has it is alone in changing the list until he commits. */
export async function nextVersion(trx: Trx): Promise<string> {
  const { version } = await trx
    .updateTable('opt_out_version')
    .set({ version: sql`version + 1` })
    .returning('version')
    .executeTakeFirstOrThrow()
  return version
}

/** Whether the word is heard for the first time. */
export async function hearWord(trx: Trx, word: Insertable<OptOutWordTable>): Promise<boolean> {
  const { numInsertedOrUpdatedRows = 0n } = await trx
    .insertInto('opt_out_words')
    .values(word)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows > 0n
}

/** Deletes words that were said before this, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteWords(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db
    .selectFrom('opt_out_words')
    .select(['provider', 'source'])
    .where('at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db
    .deleteFrom('opt_out_words')
    .where(({ eb, refTuple }) => eb(refTuple('provider', 'source'), 'in', old.$asTuple('provider', 'source')))
    .executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

export function findOptOut(trx: Trx, number: string) {
  return trx.selectFrom('opt_outs').selectAll().where('number', '=', number).executeTakeFirst()
}

/** Writes a number's row as it is now. */
export async function putOptOut(trx: Trx, row: Insertable<OptOutTable>): Promise<void> {
  const { number: _number, ...rest } = row
  await trx
    .insertInto('opt_outs')
    .values(row)
    .onConflict((conflict) => conflict.column('number').doUpdateSet(rest))
    .execute()
}

export async function readVersion(db: Db): Promise<string> {
  return (await db.selectFrom('opt_out_version').select('version').executeTakeFirstOrThrow()).version
}

/** What changed after a version and up to another, in order, at most `most` rows. */
export function findChanges(db: Db, { after, upTo, most }: { after: string; upTo: string; most: number }) {
  return db
    .selectFrom('opt_outs')
    .select(['number', 'opted_out', 'until', 'version'])
    .where('version', '>', after)
    .where('version', '<=', upTo)
    .orderBy('version')
    .limit(most)
    .execute()
}
