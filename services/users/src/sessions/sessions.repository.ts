import { type Insertable, sql } from 'kysely'
import type { Db, Trx } from '../database.js'
import { type Person, personColumns } from '../people/people.service.js'
import type { DeviceTable } from './devices.table.js'
import type { SessionTable } from './sessions.table.js'

/** A session opens nothing once it is revoked, idle too long, too old, or its account is disabled. */
const live = (at: Date) =>
  sql<boolean>`sessions.revoked_at is null and sessions.idle_expires_at > ${at} and sessions.expires_at > ${at} and users.disabled_at is null`

/** A session with its device, which is new with it. */
export async function insertSession(
  trx: Trx,
  device: Insertable<DeviceTable>,
  session: Insertable<SessionTable>,
): Promise<void> {
  await trx
    .with('device', (query) => query.insertInto('devices').values(device))
    .insertInto('sessions')
    .values(session)
    .execute()
}

export interface Presented {
  readonly id: string
  readonly generation: number
  readonly face: string
  readonly at: Date
}

/** Moves a live session on by one generation, if the presented one is its latest. */
export function rotateSession(
  db: Db,
  { id, generation, face, at, keyId, idleExpiresAt }: Presented & { keyId: string; idleExpiresAt: Date },
) {
  return db
    .updateTable('sessions')
    .from(['users', 'devices'])
    .set({ generation: generation + 1, token_key_id: keyId, rotated_at: at, idle_expires_at: idleExpiresAt })
    .whereRef('users.id', '=', 'sessions.user_id')
    .whereRef('devices.id', '=', 'sessions.device_id')
    .where('sessions.id', '=', id)
    .where('sessions.face', '=', face)
    .where('sessions.generation', '=', generation)
    .where(live(at))
    .returning(sessionState)
    .executeTakeFirst()
}

const sessionState = [
  'sessions.id',
  'sessions.user_id',
  'sessions.generation',
  'sessions.token_key_id',
  'sessions.rotated_at',
  'sessions.device_id',
  'devices.token_key_id as device_key_id',
  'users.active as proved',
] as const

export function findLiveSession(db: Db, { id, face, at }: Omit<Presented, 'generation'>) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .innerJoin('devices', 'devices.id', 'sessions.device_id')
    .select(sessionState)
    .where('sessions.id', '=', id)
    .where('sessions.face', '=', face)
    .where(live(at))
    .executeTakeFirst()
}

export async function revokeSession(db: Db, id: string, at: Date): Promise<void> {
  await db
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
}

/** The live sessions of an account: one first, then those used last. */
export function findLiveSessions(
  db: Db,
  { userId, first, at, most }: { userId: string; first: string; at: Date; most: number },
) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(['sessions.id', 'face', 'device_name', 'sessions.created_at', 'rotated_at'])
    .where('sessions.user_id', '=', userId)
    .where(live(at))
    .orderBy(sql`sessions.id = ${first}`, 'desc')
    .orderBy(sql`coalesce(rotated_at, sessions.created_at)`, 'desc')
    .limit(most)
    .execute()
}

/** Ends a session that is still live, of one account only where that is named; says whether it did. */
export async function endLiveSession(db: Db, id: string, at: Date, userId?: string): Promise<boolean> {
  const ended = await db
    .updateTable('sessions')
    .from('users')
    .set({ revoked_at: at })
    .whereRef('users.id', '=', 'sessions.user_id')
    .where('sessions.id', '=', id)
    .$if(userId !== undefined, (query) => query.where('sessions.user_id', '=', userId ?? ''))
    .where(live(at))
    .executeTakeFirst()
  return ended.numUpdatedRows > 0n
}

/** Ends the sessions of an account, but for the one that is to go on. */
export async function revokeAll(
  trx: Trx,
  userId: string,
  { at, butFor }: { at: Date; butFor?: string | undefined },
): Promise<void> {
  await trx
    .updateTable('sessions')
    .set({ revoked_at: at })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .$if(butFor !== undefined, (query) => query.where('id', '<>', butFor ?? ''))
    .execute()
}

/** Deletes sessions whose longest life was over before this, at most `most`; says how many. Rows another replica is at are left to it. */
export async function deleteExpired(db: Db, { before, most }: { before: Date; most: number }): Promise<number> {
  const expired = db
    .selectFrom('sessions')
    .select('id')
    .where('expires_at', '<', before)
    .limit(most)
    .forUpdate()
    .skipLocked()
  const deleted = await db.deleteFrom('sessions').where('id', 'in', expired).executeTakeFirst()
  return Number(deleted.numDeletedRows)
}

function liveUser(db: Db, id: string, at: Date) {
  return db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .select(personColumns)
    .select('sessions.created_at as signed_in_at')
    .where('sessions.id', '=', id)
    .where(live(at))
}

/** An account as one of its sessions sees it. */
export type SignedIn = Person & { readonly signed_in_at: Date }

export function findLiveUser(db: Db, id: string, at: Date): Promise<SignedIn | undefined> {
  return liveUser(db, id, at).executeTakeFirst()
}

/** As `findLiveUser`; the account stays as it is until the transaction ends. Only its row is locked: two people-wide changes would meet crosswise on sessions. */
export function lockLiveUser(trx: Trx, id: string, at: Date): Promise<Person | undefined> {
  return liveUser(trx, id, at).forNoKeyUpdate('users').executeTakeFirst()
}
