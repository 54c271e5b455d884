import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { Identifier, PendingAccount, patchSessionUser } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { deepestProfile, type User } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { v7 as uuidv7 } from 'uuid'
import { type Db, isStorable, type Trx } from '../database.js'
import * as people from './people.repository.js'

/** An account as the other features see it; its secrets stay inside the service. */
export type Person = people.UserRow
export type Changes = BodyOf<typeof patchSessionUser>
export type Admission =
  | { readonly verdict: 'admitted'; readonly person: Person; readonly conflicts: ('email' | 'username')[] }
  | { readonly verdict: 'exists' }

export interface People {
  /** One look-up, whatever the identifier is like. */
  find(identifier: Identifier): Promise<Person | undefined>
  /** Keeps the account as it is until the transaction ends. */
  hold(trx: Trx, id: string): Promise<Person | undefined>
  holdOwner(trx: Trx, phone: E164): Promise<Person | undefined>
  /** Throws `request.invalid` about what no account could hold; called before anything is consumed. */
  check(account: PendingAccount): void
  /** Creates the account of a proved phone. An e-mail or username somebody holds is left out and named; of two proofs of one phone, one is admitted. */
  admit(trx: Trx, account: PendingAccount): Promise<Admission>
  checkChanges(changes: Changes): void
  /** Throws a violation of `usernameIndex` where the username is taken. */
  change(trx: Trx, id: string, changes: Changes): Promise<Person>
  replaceHash(id: string, from: string, to: string): Promise<void>
}

export const usernameIndex = 'users_username'

export function createPeople({ db, now }: { db: Db; now: () => Date }): People {
  async function admit(trx: Trx, account: PendingAccount): Promise<Admission> {
    const conflicts = new Set<'email' | 'username'>()
    const at = now()
    // Each turn meets a new holder or succeeds; a holder that vanishes between the two statements costs a turn.
    for (let turn = 0; turn < 5; turn += 1) {
      const email = conflicts.has('email') ? null : account.email
      const username = conflicts.has('username') ? null : lower(account.username)
      const person = await people.insertUser(trx, {
        id: uuidv7(),
        phone: account.phone,
        phone_verified_at: at,
        email,
        email_verified_at: null,
        name: account.name,
        username,
        role: account.role,
        profile: account.profile,
        password_hash: account.passwordHash,
        disabled_at: null,
        created_at: at,
        updated_at: at,
      })
      if (person !== undefined) return { verdict: 'admitted', person, conflicts: [...conflicts] }
      const held = await people.findHeld(trx, { phone: account.phone, email, username })
      if (held.phone) return { verdict: 'exists' }
      if (held.email) conflicts.add('email')
      if (held.username) conflicts.add('username')
    }
    throw new AppError('unavailable')
  }

  return {
    // A value that cannot be stored is looked up as one that is not: the work must be the same.
    find: ({ kind, value }) => people.findUser(db, { kind, value: isStorable(value) ? value : '' }),
    hold: people.holdUser,
    holdOwner: people.holdOwner,
    check(account) {
      checkText('/account/email', account.email)
      checkText('/account/name', account.name)
      checkText('/account/role', account.role)
      checkUsername('/account/username', account.username)
      checkProfile('/account/profile', account.profile)
    },
    admit,
    checkChanges({ name, username, profile }) {
      checkText('/name', name)
      checkUsername('/username', username)
      checkProfile('/profile', profile)
    },
    change: (trx, id, { name, username, profile }) =>
      people.updateUser(trx, id, {
        updated_at: now(),
        ...(name !== undefined && { name }),
        ...(username !== undefined && { username: lower(username) }),
        ...(profile !== undefined && { profile }),
      }),
    replaceHash: (id, from, to) => people.replaceHash(db, id, from, to),
  }
}

/** What an account may show of itself. */
export function toUser(row: Person): User {
  return {
    id: row.id,
    number: Number(row.number),
    phone: row.phone,
    phoneVerified: row.phone_verified_at !== null,
    email: row.email,
    emailVerified: row.email_verified_at !== null,
    name: row.name,
    username: row.username,
    role: row.role,
    profile: row.profile,
    hasPassword: row.password_hash !== null,
    secondFactor: row.second_factor,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

const lower = (text: string | null): string | null => text?.toLowerCase() ?? null

function checkText(path: string, text: string | null | undefined): void {
  if (typeof text === 'string' && !isStorable(text))
    throw invalidField(path, 'contains characters that cannot be stored')
}

function checkUsername(path: string, username: string | null | undefined): void {
  if (username === undefined || username === null) return
  const name = username.toLowerCase()
  if (!/^[a-z][a-z0-9._-]{2,31}$/.test(name))
    throw invalidField(
      path,
      'takes 3 to 32 letters a-z, digits, dots, dashes and underscores, and begins with a letter',
    )
  if (/^ryt\d+$/.test(name)) throw invalidField(path, 'may not be `ryt` and digits: such names are given out by us')
}

function checkProfile(path: string, profile: Record<string, unknown> | undefined): void {
  if (profile !== undefined && !isPlain(profile, deepestProfile))
    throw invalidField(path, `contains characters that cannot be stored, or is nested deeper than ${deepestProfile}`)
}

function isPlain(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return isStorable(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  return Object.entries(value).every(([key, member]) => isStorable(key) && isPlain(member, depth - 1))
}
