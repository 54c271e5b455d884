import type { DataSubject } from '@latchkey/contracts/internal/own-data'
import { sql } from 'kysely'
import type { Db, Trx } from '../database.js'

/**
 * The account of somebody, and every registration that claims his phone or e-mail. Whoever merely says that an e-mail is his is not its
 * owner: his account is left out.
 */
export function findTheirs(db: Db, whose: DataSubject) {
  const query = db
    .selectFrom('users')
    .select([
      'id',
      'number',
      'active',
      'phone',
      'phone_verified_at',
      'email',
      'email_verified_at',
      'name',
      'username',
      'role',
      'profile',
      'second_factor',
      'claimed_phone',
      'claimed_email',
      'claimed_username',
      'registered_face',
      'last_sign_in_at',
      'disabled_at',
      'created_at',
      'updated_at',
      sql<boolean>`password_hash is not null`.as('has_password'),
    ])
  if ('id' in whose) return query.where('id', '=', whose.id)
  if ('phone' in whose)
    return query.where((where) =>
      where.or([
        where('phone', '=', whose.phone),
        where.and([where('active', '=', false), where('claimed_phone', '=', whose.phone)]),
      ]),
    )
  return query.where(
    sql<boolean>`(email_verified_at is not null and lower(email) = ${whose.email}) or (not active and lower(claimed_email) = ${whose.email})`,
  )
}

/** The sessions, devices and undos of some accounts. */
export async function findBelongings(db: Db, ids: readonly string[]) {
  if (ids.length === 0) return { sessions: [], devices: [], undos: [] }
  const [sessions, devices, undos] = await Promise.all([
    db
      .selectFrom('sessions')
      .select(['id', 'face', 'device_name', 'created_at', 'rotated_at', 'idle_expires_at', 'expires_at', 'revoked_at'])
      .where('user_id', 'in', [...ids])
      .orderBy('created_at')
      .execute(),
    db
      .selectFrom('devices')
      .select(['id', 'issued_at', 'expires_at', 'superseded_at'])
      .where('user_id', 'in', [...ids])
      .orderBy('issued_at')
      .execute(),
    db
      .selectFrom('phone_undos')
      .select(['phone', 'email', 'created_at', 'expires_at'])
      .where('user_id', 'in', [...ids])
      .orderBy('number')
      .execute(),
  ])
  return { sessions, devices, undos }
}

/** The same rows, held until the transaction ends. */
export const holdTheirs = (trx: Trx, whose: DataSubject) => findTheirs(trx, whose).forUpdate().execute()
