import { decoyPrefix } from '@latchkey/contracts/delivery'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'
import type { ReceiptState } from '@latchkey/contracts/queues/delivery-event'
import { type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { SmsReceiptTable } from './receipts.table.js'

/** Whoever writes about messages waits for whoever does already: receipt and attempt would not see each other. In one order, or two would wait for each other. */
export async function lockMessages(trx: Trx, messageIds: readonly string[]): Promise<void> {
  await sql`select pg_advisory_xact_lock(key)
    from (select hashtextextended(id, 0) as key from unnest(${messageIds}::text[]) as id order by key) as keys`.execute(
    trx,
  )
}

/** Writes a receipt, or lifts it to a higher state. Price and segments stay as they were first told. */
export async function upsertReceipt(trx: Trx, row: Insertable<SmsReceiptTable>): Promise<void> {
  const higher = (column: 'state' | 'rank' | 'reason' | 'carrier_code' | 'says' | 'at') =>
    sql<never>`case when excluded.rank > sms_receipts.rank then ${sql.ref(`excluded.${column}`)} else ${sql.ref(`sms_receipts.${column}`)} end`
  const first = (column: 'segments' | 'price' | 'currency') =>
    sql<never>`coalesce(${sql.ref(`sms_receipts.${column}`)}, ${sql.ref(`excluded.${column}`)})`
  await trx
    .insertInto('sms_receipts')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['provider', 'provider_message_id']).doUpdateSet({
        state: higher('state'),
        rank: higher('rank'),
        reason: higher('reason'),
        carrier_code: higher('carrier_code'),
        says: higher('says'),
        at: higher('at'),
        segments: first('segments'),
        price: first('price'),
        currency: first('currency'),
      }),
    )
    .execute()
}

/** The message of which a provider took an attempt under this id of its own. */
export async function findMessageOf(db: Db, provider: string, sid: string): Promise<string | undefined> {
  const attempt = await db
    .selectFrom('sms_attempts')
    .select('message_id')
    .where('provider', '=', provider)
    .where('provider_message_id', '=', sid)
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return attempt?.message_id
}

/** Of one message: its receipts and its attempts. */
export async function findStory(trx: Trx, messageId: string) {
  const receipts = await trx
    .selectFrom('sms_receipts')
    .select(['provider', 'provider_message_id', 'attempt', 'state', 'reason', 'at'])
    .where('message_id', '=', messageId)
    .where('provider', 'not like', `${decoyPrefix}%`)
    .orderBy('at')
    .execute()
  if (receipts.length === 0) return { receipts, attempts: [] }
  const attempts = await trx
    .selectFrom('sms_attempts')
    .select(['number', 'provider', 'outcome', 'provider_message_id', 'ended_at'])
    .where('message_id', '=', messageId)
    .execute()
  return { receipts, attempts }
}

/** A receipt has found its attempt, which was taken then, whatever its answer was. */
export async function joinReceipt(
  trx: Trx,
  { messageId, number, provider, sid }: { messageId: string; number: number; provider: string; sid: string },
): Promise<void> {
  await trx
    .updateTable('sms_receipts')
    .set({ parked: false })
    .where('provider', '=', provider)
    .where('provider_message_id', '=', sid)
    .where('parked', '=', true)
    .execute()
  await trx
    .updateTable('sms_attempts')
    .set({ outcome: 'accepted', provider_message_id: sid })
    .where('message_id', '=', messageId)
    .where('number', '=', number)
    .where((where) => where.or([where('outcome', '<>', 'accepted'), where('provider_message_id', 'is', null)]))
    .execute()
}

/** Does away with receipts whose attempt never came, at most `most` of them; says how many. */
export async function dropParked(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const old = db
    .selectFrom('sms_receipts')
    .select(['provider', 'provider_message_id'])
    .where('parked', '=', true)
    .where('at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const dropped = await db
    .deleteFrom('sms_receipts')
    .where(({ eb, refTuple }) =>
      eb(refTuple('provider', 'provider_message_id'), 'in', old.$asTuple('provider', 'provider_message_id')),
    )
    .executeTakeFirst()
  return Number(dropped.numDeletedRows)
}

/**
 * How the latest messages of a provider fared that it took between two times: what was last said of each, and when it was taken; with
 * `proved`, of those whose code was answered.
 */
export function findFates(
  trx: Trx,
  { provider, from, to, most, proved }: { provider: string; from: Date; to: Date; most: number; proved: boolean },
) {
  return trx
    .selectFrom((inner) =>
      inner
        .selectFrom('sms_attempts')
        .select(['message_id', 'provider', 'provider_message_id', 'ended_at'])
        .where('provider', '=', provider)
        .where('outcome', '=', 'accepted')
        .where('ended_at', '>', from)
        .where('ended_at', '<', to)
        .orderBy('ended_at', 'desc')
        .limit(looked)
        .as('a'),
    )
    .innerJoin('sms_messages as m', 'm.id', 'a.message_id')
    .leftJoin('sms_receipts as r', (join) =>
      join.onRef('r.provider', '=', 'a.provider').onRef('r.provider_message_id', '=', 'a.provider_message_id'),
    )
    .$if(proved, (query) => query.innerJoin('consumed_challenges as c', 'c.challenge_id', 'm.challenge_id'))
    .select(['m.country', 'a.ended_at', 'r.state', 'r.at'])
    .orderBy('a.ended_at', 'desc')
    .limit(most)
    .execute()
}

/** However many messages there are that nobody answers, one look goes no further back. */
const looked = 5_000

/** Writes down what a decoy will have been told; the first word stays. */
export async function insertPlayed(
  trx: Trx,
  row: Pick<Insertable<SmsReceiptTable>, 'provider' | 'provider_message_id' | 'message_id' | 'at'> & {
    state: ReceiptState
  },
): Promise<void> {
  await trx
    .insertInto('sms_receipts')
    .values({ ...row, rank: deliveryRanks[row.state], parked: false })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
