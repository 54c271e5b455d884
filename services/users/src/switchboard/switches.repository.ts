import { decoyPrefix } from '@latchkey/contracts/delivery'
import { judgedPurposes, type SwitchTarget } from '@latchkey/contracts/switch-record'
import { type Insertable, type Selectable, sql } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { SwitchTable } from './switches.table.js'

export type SwitchRow = Selectable<SwitchTable>

/** In force, soonest to end first. */
export function findInForce(db: Db, now: Date): Promise<SwitchRow[]> {
  return db
    .selectFrom('switches')
    .selectAll()
    .where('ended_at', 'is', null)
    .where('until', '>', now)
    .orderBy('until')
    .execute()
}

export function findChanges(
  db: Db,
  { after, upTo, most }: { after: string; upTo: string; most: number },
): Promise<SwitchRow[]> {
  return db
    .selectFrom('switches')
    .selectAll()
    .where('version', '>', after)
    .where('version', '<=', upTo)
    .orderBy('version')
    .limit(most)
    .execute()
}

/** Puts a switch into its slot, whatever was there. */
export async function putSwitch(trx: Trx, row: Insertable<SwitchTable>): Promise<void> {
  const { slot: _slot, ...rest } = row
  await trx
    .insertInto('switches')
    .values(row)
    .onConflict((conflict) => conflict.column('slot').doUpdateSet(rest))
    .execute()
}

/** Ends a switch that is in force; undefined where there is none of this id. */
export function endSwitch(
  trx: Trx,
  { id, at, version }: { id: string; at: Date; version: string },
): Promise<SwitchRow | undefined> {
  return trx
    .updateTable('switches')
    .set({ ended_at: at, version })
    .where('id', '=', id)
    .where('ended_at', 'is', null)
    .where('until', '>', at)
    .returningAll()
    .executeTakeFirst()
}

/** Messages since a moment that went to a country, were for a purpose, through a lane, or of those the guard judges, and how many challenges among them were used. Decoys do not count. */
export async function countAbout(
  db: Db,
  { target, name, since }: { target: SwitchTarget; name: string; since: Date },
): Promise<{ messages: number; verified: number }> {
  const attempts = sql`select from sms_attempts a where a.message_id = m.id and`
  const about = {
    country: sql<boolean>`m.country = ${name}`,
    purpose: sql<boolean>`m.purpose = ${name}`,
    guard: sql<boolean>`m.purpose in (${sql.join([...judgedPurposes])})`,
    lane: sql<boolean>`exists (${attempts} a.provider = ${name} and a.outcome in ('accepted', 'unknown'))`,
  }[target]
  const counted = await db
    .selectFrom('sms_messages as m')
    .leftJoin('consumed_challenges as c', 'c.challenge_id', 'm.challenge_id')
    .select(({ fn }) => [
      fn.count<string>('m.id').distinct().as('messages'),
      fn.count<string>('c.challenge_id').distinct().as('verified'),
    ])
    .where('m.first_at', '>', since)
    .where(about)
    .where(sql<boolean>`not exists (${attempts} a.provider like ${`${decoyPrefix}%`})`)
    .executeTakeFirstOrThrow()
  return { messages: Number(counted.messages), verified: Number(counted.verified) }
}
