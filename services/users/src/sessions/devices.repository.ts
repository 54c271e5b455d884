import { sql } from 'kysely'
import type { Db, Trx } from '../database.js'

/** Marks a device of this account as superseded. The first time counts: using an old token again does not prolong it. */
export async function supersedeDevice(
  trx: Trx,
  { id, userId, at }: { id: string; userId: string; at: Date },
): Promise<void> {
  await trx
    .updateTable('devices')
    .set({ superseded_at: at })
    .where('id', '=', id)
    .where('user_id', '=', userId)
    .where('superseded_at', 'is', null)
    .where('expires_at', '>', at)
    .execute()
}

/** The account of a device whose token is still good. */
export async function findDeviceOwner(
  db: Db,
  { id, at, supersededAfter }: { id: string; at: Date; supersededAfter: Date },
): Promise<string | undefined> {
  const device = await db
    .selectFrom('devices')
    .select('user_id')
    .where('id', '=', id)
    .where('expires_at', '>', at)
    .where((is) => is.or([is('superseded_at', 'is', null), is('superseded_at', '>', supersededAfter)]))
    .executeTakeFirst()
  return device?.user_id
}

/** The account of a session that is still live. */
export async function findSessionOwner(db: Db, { id, at }: { id: string; at: Date }): Promise<string | undefined> {
  const session = await db
    .selectFrom('sessions')
    .select('user_id')
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .where('idle_expires_at', '>', at)
    .where('expires_at', '>', at)
    .executeTakeFirst()
  return session?.user_id
}

/** Expires the devices of an account, but for that of one session. */
export async function expireDevices(
  trx: Trx,
  userId: string,
  { at, butFor }: { at: Date; butFor?: string | undefined },
): Promise<void> {
  await trx
    .updateTable('devices')
    .set({ expires_at: at })
    .where('user_id', '=', userId)
    .where('expires_at', '>', at)
    .$if(butFor !== undefined, (query) => query.where('id', 'not in', deviceOf(trx, butFor ?? '')))
    .execute()
}

export async function expireDeviceOf(trx: Trx, sessionId: string, at: Date): Promise<void> {
  await trx
    .updateTable('devices')
    .set({ expires_at: at })
    .where('id', 'in', deviceOf(trx, sessionId))
    .where('expires_at', '>', at)
    .execute()
}

/**
 * Deletes devices that expired before this and have no session left, at most `most`; says how many. Rows another replica is at are
 * left to it.
 */
export async function deleteExpired(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const expired = db
    .selectFrom('devices')
    .select('id')
    .where('expires_at', '<', before)
    // A session goes with its device: one that is still kept keeps it.
    .where(sql<boolean>`not exists (select 1 from sessions where sessions.device_id = devices.id)`)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('devices').where('id', 'in', expired).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

const deviceOf = (trx: Trx, sessionId: string) =>
  trx.selectFrom('sessions').select('device_id').where('id', '=', sessionId)
