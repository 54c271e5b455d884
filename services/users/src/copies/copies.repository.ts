import { sql } from 'kysely'
import type { Db, Trx } from '../database.js'

export async function raiseVersion(trx: Trx, name: string): Promise<string> {
  const { version } = await trx
    .updateTable('copied_lists')
    .set({ version: sql`version + 1` })
    .where('name', '=', name)
    .returning('version')
    .executeTakeFirstOrThrow()
  return version
}

export async function findVersion(db: Db, name: string): Promise<string> {
  const found = await db.selectFrom('copied_lists').select('version').where('name', '=', name).executeTakeFirstOrThrow()
  return found.version
}
