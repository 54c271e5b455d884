import { type Insertable, type Selectable } from 'kysely'
import { type Db, rowsAs, type Trx } from '../database.js'
import type { MessageTraceTable } from './traces.table.js'

export type TraceRow = Selectable<MessageTraceTable>

const types: Readonly<Record<keyof MessageTraceTable, string>> = {
  id: 'uuid',
  at: 'timestamptz',
  kind: 'text',
  request_id: 'text',
  route: 'text',
  challenge_id: 'text',
  message_id: 'uuid',
  phone: 'text',
  last_two: 'text',
  email: 'text',
  email_first: 'text',
  face: 'text',
  purpose: 'text',
  country: 'text',
  channel: 'text',
  generation: 'integer',
  says: 'text',
  hit: 'text',
  until: 'timestamptz',
  attempts_left: 'integer',
  sent: 'boolean',
}
/** Writes events down; those that are there stay as they are. */
export async function insertEvents(db: Db, rows: readonly Insertable<MessageTraceTable>[]): Promise<void> {
  const { columns, expression } = rowsAs(types, rows)
  await db
    .insertInto('message_trace')
    .columns(columns)
    .expression(expression)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** A phone or an e-mail, by its keyed hash. */
export interface TracedAddress {
  readonly kind: 'phone' | 'email'
  readonly hash: string
}

/** The newest events about a phone or an e-mail. */
export function findOfAddress(db: Db, { kind, hash }: TracedAddress, { since, most }: { since: Date; most: number }) {
  return db
    .selectFrom('message_trace')
    .selectAll()
    .where(kind, '=', hash)
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

/** Everything about a phone or an e-mail, and about the challenges it had; says how many events it were. */
export async function deleteOfAddress(trx: Trx, { kind, hash }: TracedAddress): Promise<number> {
  const theirs = trx
    .selectFrom('message_trace')
    .select('challenge_id')
    .where(kind, '=', hash)
    .where('challenge_id', 'is not', null)
  const deleted = await trx
    .deleteFrom('message_trace')
    .where((where) => where.or([where(kind, '=', hash), where('challenge_id', 'in', theirs)]))
    .executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

/** Deletes events that are older, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteOld(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db.selectFrom('message_trace').select('id').where('at', '<', before).limit(most).forUpdate().skipLocked()
  const deleted = await db.deleteFrom('message_trace').where('id', 'in', old).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
