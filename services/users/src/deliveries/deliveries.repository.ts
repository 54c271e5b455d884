import type { DeliveryState } from '@latchkey/contracts/delivery'
import { type Insertable, type QueryCreator, sql } from 'kysely'
import { type Database, type Db, rowsAs, type Trx } from '../database.js'
import type { SmsAttemptTable, SmsMessageTable } from './deliveries.table.js'

const messageTypes: Readonly<Record<keyof SmsMessageTable, string>> = {
  id: 'uuid',
  challenge_id: 'text',
  generation: 'integer',
  purpose: 'text',
  country: 'text',
  request_id: 'text',
  state: 'text',
  rank: 'integer',
  reason: 'text',
  first_at: 'timestamptz',
  last_at: 'timestamptz',
}
const attemptTypes: Readonly<Record<keyof SmsAttemptTable, string>> = {
  message_id: 'uuid',
  number: 'integer',
  provider: 'text',
  outcome: 'text',
  provider_message_id: 'text',
  carrier_code: 'text',
  says: 'text',
  started_at: 'timestamptz',
  ended_at: 'timestamptz',
}

/** Writes messages, or lifts them to a higher state. The comparison is Postgres's, so that parallel events cannot lower it. */
function upsertMessages(query: QueryCreator<Database>, rows: readonly Insertable<SmsMessageTable>[]) {
  const higher = (column: 'state' | 'rank' | 'reason') =>
    sql<never>`case when excluded.rank > sms_messages.rank then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`sms_messages.${column}`)} end`
  const { columns, expression } = rowsAs(messageTypes, rows)
  return query
    .insertInto('sms_messages')
    .columns(columns)
    .expression(expression)
    .onConflict((conflict) =>
      conflict.column('id').doUpdateSet({
        state: higher('state'),
        rank: higher('rank'),
        reason: higher('reason'),
        first_at: sql<Date>`least(sms_messages.first_at, excluded.first_at)`,
        last_at: sql<Date>`greatest(sms_messages.last_at, excluded.last_at)`,
      }),
    )
}

/** Writes attempts, or what is known better: an outcome beats `unknown`, then the later word beats the earlier. */
function upsertAttempts(query: QueryCreator<Database>, rows: readonly Insertable<SmsAttemptTable>[]) {
  const better = sql<boolean>`(excluded.outcome <> 'unknown', excluded.ended_at) > (sms_attempts.outcome <> 'unknown', sms_attempts.ended_at)`
  const best = (column: keyof SmsAttemptTable) => {
    const [mine, theirs] = [sql.ref(`sms_attempts.${column}`), sql.ref(`excluded.${column}`)]
    return sql<never>`case when ${better} then coalesce(${theirs}, ${mine}) else coalesce(${mine}, ${theirs}) end`
  }
  const { columns, expression } = rowsAs(attemptTypes, rows)
  return query
    .insertInto('sms_attempts')
    .columns(columns)
    .expression(expression)
    .onConflict((conflict) =>
      conflict.columns(['message_id', 'number']).doUpdateSet({
        provider: best('provider'),
        outcome: best('outcome'),
        provider_message_id: best('provider_message_id'),
        carrier_code: best('carrier_code'),
        says: best('says'),
        started_at: best('started_at'),
        ended_at: best('ended_at'),
      }),
    )
}

/** What is written down of messages and of attempts at them, none of either twice, in one statement. Says of which there are receipts. */
export async function writeMessages(
  db: Db | Trx,
  messages: readonly Insertable<SmsMessageTable>[],
  attempts: readonly Insertable<SmsAttemptTable>[],
): Promise<string[]> {
  const ids = messages.map(({ id }) => id)
  const isOne = sql<boolean>`message_id = any(${ids}::uuid[])`
  const told = (query: QueryCreator<Database>) =>
    query.selectFrom('sms_receipts').select('message_id').distinct().where(isOne).execute()
  const written = db.with('message', (query) => upsertMessages(query, messages))
  const rows = await told(
    attempts.length === 0 ? written : written.with('attempt', (query) => upsertAttempts(query, attempts)),
  )
  return rows.map(({ message_id: id }) => id)
}

/** Lifts a message that is known to a higher state. */
export async function liftMessage(
  trx: Trx,
  { id, at, ...to }: Pick<SmsMessageTable, 'state' | 'rank' | 'reason'> & { id: string; at: Date },
): Promise<void> {
  await trx
    .updateTable('sms_messages')
    .set({ ...to, last_at: sql<Date>`greatest(last_at, ${at})` })
    .where('id', '=', id)
    .where('rank', '<', to.rank)
    .execute()
}

/** A message, and when a receipt says that it arrived. */
export function findMessage(db: Db, id: string) {
  return db
    .selectFrom('sms_messages as m')
    .select(({ selectFrom }) => [
      'm.state',
      'm.rank',
      'm.reason',
      selectFrom('sms_receipts as r')
        .select(({ fn }) => fn.min('r.at').as('at'))
        .whereRef('r.message_id', '=', 'm.id')
        .where('r.state', '=', 'delivered')
        .as('arrivedAt'),
    ])
    .where('m.id', '=', id)
    .executeTakeFirst()
}

/** The messages of some challenges, each with its attempts and receipts, in order. */
export async function findLogged(db: Db, challengeIds: readonly string[]) {
  if (challengeIds.length === 0) return []
  const messages = await db
    .selectFrom('sms_messages')
    .selectAll()
    .where('challenge_id', 'in', [...challengeIds])
    .orderBy('first_at')
    .execute()
  const ids = messages.map(({ id }) => id)
  if (ids.length === 0) return []
  const [attempts, receipts] = await Promise.all([
    db.selectFrom('sms_attempts').selectAll().where('message_id', 'in', ids).orderBy('number').execute(),
    db.selectFrom('sms_receipts').selectAll().where('message_id', 'in', ids).orderBy('at').execute(),
  ])
  return messages.map((message) => ({
    ...message,
    attempts: attempts.filter(({ message_id: of }) => of === message.id),
    receipts: receipts.filter(({ message_id: of }) => of === message.id),
  }))
}

export async function findChallengeOf(db: Db, messageId: string): Promise<string | undefined> {
  const row = await db.selectFrom('sms_messages').select('challenge_id').where('id', '=', messageId).executeTakeFirst()
  return row?.challenge_id
}

/** The request that a message was sent for. */
export async function findRequestOf(db: Db, messageId: string): Promise<string | undefined> {
  const row = await db.selectFrom('sms_messages').select('request_id').where('id', '=', messageId).executeTakeFirst()
  return row?.request_id
}

/** Closes messages that stayed in one of these states since `before`, at most `most` of them; says how many. Rows another replica is at are left to it. */
export async function closeStale(
  db: Db,
  {
    from,
    to,
    rank,
    before,
    most,
  }: { from: DeliveryState[]; to: DeliveryState; rank: number; before: Date; most: number },
): Promise<number> {
  const stale = db
    .selectFrom('sms_messages')
    .select('id')
    .where('rank', '<', rank)
    .where('state', 'in', from)
    .where('last_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const closed = await db
    .updateTable('sms_messages')
    .set({ state: to, rank })
    .where('id', 'in', stale)
    .executeTakeFirst()
  return Number(closed.numUpdatedRows)
}

/** Deletes messages that were first heard of before this, with their attempts and receipts, at most `most` messages; says how many. Rows another replica is at are left to it. */
export async function deleteOld(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db
    .selectFrom('sms_messages')
    .select('id')
    .where('first_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const { count } = await db
    .with('gone', (query) => query.deleteFrom('sms_messages').where('id', 'in', old).returning('id'))
    .with('untold', (query) =>
      query.deleteFrom('sms_receipts').where('message_id', 'in', (inner) => inner.selectFrom('gone').select('id')),
    )
    .selectFrom('gone')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}
