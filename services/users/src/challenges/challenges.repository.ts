import type { Trx } from '../database.js'

/** The fence: says whether this transaction is the first to use the challenge, after waiting for any that is at it. */
export async function insertConsumed(trx: Trx, challengeId: string, at: Date): Promise<boolean> {
  const inserted = await trx
    .insertInto('consumed_challenges')
    .values({ challenge_id: challengeId, consumed_at: at })
    .onConflict((conflict) => conflict.column('challenge_id').doNothing())
    .executeTakeFirst()
  return (inserted.numInsertedOrUpdatedRows ?? 0n) > 0n
}
