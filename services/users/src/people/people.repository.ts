import type { Identifier } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { UserTable } from './people.table.js'

export type UserRow = Selectable<UserTable>

/** What only one active account can have. */
export type Unique = 'phone' | 'email' | 'username'

/** Undefined where a unique value of the row is already held; nothing is written then. */
export function insertUser(trx: Trx, row: Insertable<UserTable>): Promise<UserRow | undefined> {
  return trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
}

/** Which of these values active accounts hold. */
export async function findHeld(
  db: Db | Trx,
  { phone, email, username }: Readonly<Record<Unique, string | null>>,
): Promise<Unique[]> {
  const { rows } = await sql<Record<Unique, boolean>>`select
    exists (select 1 from users where phone = ${phone}::text) as phone,
    exists (select 1 from users where lower(email) = lower(${email}::text)) as email,
    exists (select 1 from users where lower(username) = lower(${username}::text)) as username`.execute(db)
  return (['phone', 'email', 'username'] as const).filter((name) => rows[0]?.[name] === true)
}

/** The registrations that are looked at where no active account fits. */
export interface Registered {
  readonly face: string
  readonly client: string
}

/** One statement either way: the active account; else the newest registration of this client, else the oldest. */
export function findUser(
  db: Db,
  { kind, value }: Identifier,
  registered: Registered | undefined,
): Promise<UserRow | undefined> {
  const number = sql<boolean>`number = ${/^\d{1,18}$/.test(value) ? value : '0'}::bigint`
  const held = {
    phone: sql<boolean>`phone = ${value}`,
    email: sql<boolean>`lower(email) = lower(${value})`,
    username: sql<boolean>`lower(username) = lower(${value})`,
    number,
  }
  const query = db.selectFrom('users').selectAll()
  if (registered === undefined) return query.where('active', '=', true).where(held[kind]).executeTakeFirst()
  const claimed = {
    phone: sql<boolean>`claimed_phone = ${value}`,
    email: sql<boolean>`lower(claimed_email) = lower(${value})`,
    username: sql<boolean>`lower(claimed_username) = lower(${value})`,
    number,
  }
  const { face, client } = registered
  return query
    .where(sql<boolean>`(active and ${held[kind]}) or (not active and registered_face = ${face} and ${claimed[kind]})`)
    .orderBy('active', 'desc')
    .orderBy(sql`registered_client = ${client}`, 'desc')
    .orderBy(sql`case when registered_client = ${client} then -number else number end`)
    .limit(1)
    .executeTakeFirst()
}

/** The row stays as it is, but for this transaction, until it ends. */
export function holdUser(trx: Trx, id: string): Promise<UserRow | undefined> {
  return trx.selectFrom('users').selectAll().where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export function holdOwner(trx: Trx, phone: E164): Promise<UserRow | undefined> {
  return trx.selectFrom('users').selectAll().where('phone', '=', phone).forNoKeyUpdate().executeTakeFirst()
}

export function updateUser(trx: Trx, id: string, changes: Updateable<UserTable>): Promise<UserRow> {
  return trx.updateTable('users').set(changes).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}

export async function deleteUser(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('users').where('id', '=', id).execute()
}

/** All accounts of a role that few have, oldest first. */
export function findByRole(db: Db, role: string): Promise<UserRow[]> {
  return db.selectFrom('users').selectAll().where('role', '=', role).orderBy('number').execute()
}

/** Replaces a password hash unless somebody else already did. */
export async function replaceHash(db: Db, id: string, from: string, to: string): Promise<void> {
  await db
    .updateTable('users')
    .set({ password_hash: to })
    .where('id', '=', id)
    .where('password_hash', '=', from)
    .execute()
}
