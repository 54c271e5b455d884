import type { Insertable } from 'kysely'
import type { Db, Trx } from '../database.js'
import { type Person, personColumns } from '../people/people.service.js'
import type { ResetTokenTable } from './reset-tokens.table.js'

export async function insertResetToken(trx: Trx, row: Insertable<ResetTokenTable>): Promise<void> {
  await trx.insertInto('reset_tokens').values(row).execute()
}

/** Whose token this is, as long as it is neither used nor expired. */
export function findOwner(db: Db, id: string, at: Date): Promise<Person | undefined> {
  return db
    .selectFrom('reset_tokens')
    .innerJoin('users', 'users.id', 'reset_tokens.user_id')
    .select(personColumns)
    .where('reset_tokens.id', '=', id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', at)
    .executeTakeFirst()
}

/** Says whether the token was still good; it is not any more. */
export async function spendResetToken(trx: Trx, id: string, at: Date): Promise<boolean> {
  const spent = await trx
    .updateTable('reset_tokens')
    .set({ used_at: at })
    .where('id', '=', id)
    .where('used_at', 'is', null)
    .where('expires_at', '>', at)
    .executeTakeFirst()
  return spent.numUpdatedRows > 0n
}

/** Ends every token of an account. */
export async function endResetTokens(trx: Trx, userId: string, at: Date): Promise<void> {
  await trx
    .updateTable('reset_tokens')
    .set({ used_at: at })
    .where('user_id', '=', userId)
    .where('used_at', 'is', null)
    .execute()
}

/** Deletes tokens that expired before this, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteExpired(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const expired = db
    .selectFrom('reset_tokens')
    .select('id')
    .where('expires_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('reset_tokens').where('id', 'in', expired).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
