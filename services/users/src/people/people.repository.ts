import type { Identifier } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { type Insertable, type Selectable, sql, type Updateable } from 'kysely'
import type { Db, Trx } from '../database.js'
import type { UserTable } from './people.table.js'

export type UserRow = Selectable<UserTable>

/** Undefined where a unique value of the row is already held; nothing is written then. */
export function insertUser(trx: Trx, row: Insertable<UserTable>): Promise<UserRow | undefined> {
  return trx
    .insertInto('users')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst()
}

/** Which of these unique values somebody holds. */
export async function findHeld(
  trx: Trx,
  { phone, email, username }: { phone: string; email: string | null; username: string | null },
): Promise<{ phone: boolean; email: boolean; username: boolean }> {
  const { rows } = await sql<{ phone: boolean; email: boolean; username: boolean }>`select
    exists (select 1 from users where phone = ${phone}) as phone,
    exists (select 1 from users where lower(email) = lower(${email}::text)) as email,
    exists (select 1 from users where lower(username) = lower(${username}::text)) as username`.execute(trx)
  return rows[0] ?? { phone: false, email: false, username: false }
}

export function findUser(db: Db, { kind, value }: Identifier): Promise<UserRow | undefined> {
  const matches = {
    phone: sql<boolean>`phone = ${value}`,
    email: sql<boolean>`lower(email) = lower(${value})`,
    username: sql<boolean>`lower(username) = lower(${value})`,
  }
  return db.selectFrom('users').selectAll().where(matches[kind]).executeTakeFirst()
}

/** The row stays as it is until the transaction ends. */
export function holdUser(trx: Trx, id: string): Promise<UserRow | undefined> {
  return trx.selectFrom('users').selectAll().where('id', '=', id).forShare().executeTakeFirst()
}

export function holdOwner(trx: Trx, phone: E164): Promise<UserRow | undefined> {
  return trx.selectFrom('users').selectAll().where('phone', '=', phone).forShare().executeTakeFirst()
}

export function updateUser(trx: Trx, id: string, changes: Updateable<UserTable>): Promise<UserRow> {
  return trx.updateTable('users').set(changes).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
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
