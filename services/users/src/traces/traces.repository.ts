import { type Insertable, type Selectable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { MessageTraceTable } from './traces.table.js'

export type TraceRow = Selectable<MessageTraceTable>

/** Writes events down; those that are there stay as they are. */
export async function insertEvents(db: Db, rows: readonly Insertable<MessageTraceTable>[]): Promise<void> {
  await db
    .insertInto('message_trace')
    .values([...rows])
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The newest events about a phone. */
export function findOfPhone(db: Db, { phone, since, most }: { phone: string; since: Date; most: number }) {
  return db
    .selectFrom('message_trace')
    .selectAll()
    .where('phone', '=', phone)
    .where('at', '>', since)
    .orderBy('at', 'desc')
    .limit(most)
    .execute()
}

/** The events of some challenges, in order. */
export function findOfChallenges(db: Db, ids: readonly string[], most: number): Promise<TraceRow[]> {
  return db
    .selectFrom('message_trace')
    .selectAll()
    .where('challenge_id', 'in', [...ids])
    .orderBy('at')
    .limit(most)
    .execute()
}

/** The challenge that a message was of. */
export async function findChallengeOf(db: Db, messageId: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('message_trace')
    .select('challenge_id')
    .where('message_id', '=', messageId)
    .where('challenge_id', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  return row?.challenge_id ?? undefined
}

/** Everything about a phone, and about the challenges it had. */
export async function deleteOfPhone(trx: Trx, phone: string): Promise<void> {
  const theirs = trx
    .selectFrom('message_trace')
    .select('challenge_id')
    .where('phone', '=', phone)
    .where('challenge_id', 'is not', null)
  await trx
    .deleteFrom('message_trace')
    .where((where) => where.or([where('phone', '=', phone), where('challenge_id', 'in', theirs)]))
    .execute()
}

/** Deletes events that are older, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteOld(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db.selectFrom('message_trace').select('id').where('at', '<', before).limit(most).forUpdate().skipLocked()
  const deleted = await db.deleteFrom('message_trace').where('id', 'in', old).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
