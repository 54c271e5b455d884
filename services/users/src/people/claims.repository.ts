import type { E164 } from '@latchkey/contracts/phone'
import { sql } from 'kysely'
import type { Db, Trx } from '../database.js'
import { type UserRow, userColumns } from './people.repository.js'

/** What a registration has besides what it claims, once it is active. */
const proved = {
  active: true,
  claimed_phone: null,
  claimed_email: null,
  claimed_username: null,
  registered_face: null,
  registered_client: null,
} as const

/** Whoever registers or proves this phone waits until the transaction ends: no claim comes into being beside a proof. */
export async function holdPhone(trx: Trx, phone: E164): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${phone}, 0))`.execute(trx)
}

/**
 * The registrations of a face that claim this: at most two, those of `userId` and of the client first, newest first. None whose phone an
 * active account holds where that phone is looked for.
 */
export function findClaims(
  db: Db,
  wanted: { face: string; by: { kind: 'phone' | 'email'; value: string }; client: string; userId: string | null },
) {
  const { face, by, client, userId } = wanted
  const claimed = {
    phone: sql<boolean>`claimed_phone = ${by.value}`,
    email: sql<boolean>`lower(claimed_email) = lower(${by.value})`,
  }
  const held = sql<boolean>`exists (select 1 from users holder where holder.phone = users.claimed_phone)`
  return db
    .selectFrom('users')
    .select(['id', 'claimed_phone as phone', 'registered_client as client', held.as('held')])
    .where('active', '=', false)
    .where('registered_face', '=', face)
    .where(claimed[by.kind])
    .where('claimed_phone', 'is not', null)
    .$narrowType<{ phone: E164 }>()
    .$if(by.kind === 'phone', (query) => query.where(sql<boolean>`not ${held}`))
    .orderBy(sql`id is not distinct from ${userId}::uuid`, 'desc')
    .orderBy(sql`registered_client = ${client}`, 'desc')
    .orderBy('number', 'desc')
    .limit(2)
    .execute()
}

export function holdClaim(
  trx: Trx,
  { id, phone, face }: { id: string; phone: E164; face: string },
): Promise<UserRow | undefined> {
  return trx
    .selectFrom('users')
    .select(userColumns)
    .where('id', '=', id)
    .where('active', '=', false)
    .where('claimed_phone', '=', phone)
    .where('registered_face', '=', face)
    .forUpdate()
    .executeTakeFirst()
}

/** Makes a registration the active account of what it gets. */
export function activate(
  trx: Trx,
  id: string,
  gets: { phone: E164; email: string | null; username: string | null; at: Date },
): Promise<UserRow> {
  const { at, ...names } = gets
  return trx
    .updateTable('users')
    .set({ ...proved, ...names, phone_verified_at: at, updated_at: at })
    .where('id', '=', id)
    .where('active', '=', false)
    .returning(userColumns)
    .executeTakeFirstOrThrow()
}

/**
 * Deletes the registrations that claim this phone, with their sessions. Of those that may go on without one, the oldest of each
 * e-mail that is free does so instead, and is answered. One statement: every sign-up does it, and mostly for nothing.
 */
export async function endClaims(trx: Trx, phone: E164, at: Date): Promise<string[]> {
  const oldest = trx
    .selectFrom('users')
    .select('id')
    .distinctOn(sql`lower(claimed_email)`)
    .where('active', '=', false)
    .where('claimed_phone', '=', phone)
    .where('phone_optional', '=', true)
    .orderBy(sql`lower(claimed_email)`)
    .orderBy('number')
  const released = await trx
    .with('released', (query) =>
      query
        .updateTable('users')
        .set((column) => ({ ...proved, email: column.ref('claimed_email'), updated_at: at }))
        .where('id', 'in', oldest)
        .where(
          sql<boolean>`not exists (select 1 from users holder where lower(holder.email) = lower(users.claimed_email))`,
        )
        .returning('id'),
    )
    .with('ended', (query) =>
      query
        .deleteFrom('users')
        .where('active', '=', false)
        .where('claimed_phone', '=', phone)
        .where('id', 'not in', (inner) => inner.selectFrom('released').select('id')),
    )
    .selectFrom('released')
    .select('id')
    .execute()
  return released.map(({ id }) => id)
}

/** Deletes a registration that is younger than `since`. */
export async function deleteClaim(db: Db, id: string, since: Date): Promise<void> {
  await db
    .deleteFrom('users')
    .where('id', '=', id)
    .where('active', '=', false)
    .where('created_at', '>', since)
    .execute()
}

/** Deletes registrations without a sign-in since `before`, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteForgotten(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const forgotten = db
    .selectFrom('users')
    .select('id')
    .where('active', '=', false)
    .where('created_at', '<', before)
    .where(sql<boolean>`coalesce(last_sign_in_at, created_at) < ${before}`)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('users').where('id', 'in', forgotten).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}
