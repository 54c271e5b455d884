import type { Db, Trx } from '../database.js'

/** The fence: says whether this transaction is the first to use the challenge, after waiting for any that is at it. */
export async function insertConsumed(trx: Trx, challengeId: string, at: Date): Promise<boolean> {
  const inserted = await trx
    .insertInto('consumed_challenges')
    .values({ challenge_id: challengeId, consumed_at: at })
    .onConflict((conflict) => conflict.column('challenge_id').doNothing())
    .executeTakeFirst()
  return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** When each of some challenges was consumed; those that were not are left out. */
export async function findConsumed(db: Db, ids: readonly string[]): Promise<Map<string, Date>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('consumed_challenges')
    .selectAll()
    .where('challenge_id', 'in', [...ids])
    .execute()
  return new Map(rows.map(({ challenge_id: id, consumed_at: at }) => [id, at]))
}

/** Deletes what was consumed before this, at most `most` rows; says how many. Rows another replica is at are left to it. */
export async function deleteConsumed(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db
    .selectFrom('consumed_challenges')
    .select('challenge_id')
    .where('consumed_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('consumed_challenges').where('challenge_id', 'in', old).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
