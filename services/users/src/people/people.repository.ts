import type { Identifier } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { UserTable } from './people.table.js'

export type UserRow = Selectable<UserTable>

/** All of an account, by name: `*` would be something else once a newer release adds a column, and plans that are kept would fail. */
export const userColumns = [
  'users.id',
  'users.number',
  'users.active',
  'users.phone',
  'users.phone_verified_at',
  'users.email',
  'users.email_verified_at',
  'users.name',
  'users.username',
  'users.role',
  'users.role_before',
  'users.role_changed_at',
  'users.profile',
  'users.password_hash',
  'users.claimed_phone',
  'users.claimed_email',
  'users.claimed_username',
  'users.phone_optional',
  'users.registered_face',
  'users.registered_client',
  'users.second_factor',
  'users.disabled_at',
  'users.last_sign_in_at',
  'users.credentials_changed_at',
  'users.created_at',
  'users.updated_at',
] as const

/** What only one active account can have. */
export type Unique = 'phone' | 'email' | 'username'

/** Undefined where a unique value of the row is already held; nothing is written then. */
export function insertUser(trx: Trx, row: Insertable<UserTable>): Promise<UserRow | undefined> {
  return trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returning(userColumns)
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
  const query = db.selectFrom('users').select(userColumns)
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
  return trx.selectFrom('users').select(userColumns).where('id', '=', id).forNoKeyUpdate().executeTakeFirst()
}

export function holdOwner(trx: Trx, phone: E164): Promise<UserRow | undefined> {
  return trx.selectFrom('users').select(userColumns).where('phone', '=', phone).forNoKeyUpdate().executeTakeFirst()
}

export function holdProvedEmail(trx: Trx, email: string): Promise<UserRow | undefined> {
  return trx
    .selectFrom('users')
    .selectAll()
    .where(sql<boolean>`lower(email) = lower(${email})`)
    .where('email_verified_at', 'is not', null)
    .forNoKeyUpdate()
    .executeTakeFirst()
}

/** Takes an e-mail from whoever has it without a proof. */
export async function releaseEmail(trx: Trx, email: string, at: Date): Promise<void> {
  await trx
    .updateTable('users')
    .set({ email: null, updated_at: at })
    .where(sql<boolean>`lower(email) = lower(${email})`)
    .where('email_verified_at', 'is', null)
    .execute()
}

export function updateUser(trx: Trx, id: string, changes: Updateable<UserTable>): Promise<UserRow> {
  return trx.updateTable('users').set(changes).where('id', '=', id).returning(userColumns).executeTakeFirstOrThrow()
}

export async function deleteUser(trx: Trx, id: string): Promise<void> {
  await trx.deleteFrom('users').where('id', '=', id).execute()
}

/** All accounts of a role that few have, oldest first. */
export function findByRole(db: Db, role: string): Promise<UserRow[]> {
  return db.selectFrom('users').select(userColumns).where('role', '=', role).orderBy('number').execute()
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
