import type { BodyOf } from '@latchkey/contracts/endpoint'
import type { Identifier, PendingAccount, patchSessionUser } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { deepestProfile, type User } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { v7 as uuidv7 } from 'uuid'
import { type Db, isStorable, type Trx, violates } from '../database.js'
import type { Claims } from './claims.service.js'
import * as people from './people.repository.js'

/** An account as the other features see it; its secrets stay inside the service. */
export type Person = people.UserRow
/** All of it, as statements of other features select it. */
export const personColumns = people.userColumns
export type Changes = BodyOf<typeof patchSessionUser>
export type Admission =
  | {
      readonly verdict: 'admitted'
      readonly person: Person
      readonly conflicts: ('email' | 'username')[]
      readonly released: readonly string[]
    }
  | { readonly verdict: 'held'; readonly held: people.Unique[] }

/** What an account has of text that somebody typed. */
interface Typed {
  readonly email?: string | null | undefined
  readonly name?: string | null | undefined
  readonly username?: string | null | undefined
  readonly role?: string
  readonly profile?: Record<string, unknown> | undefined
}

/** What an account had; without `email` that stays as it is. */
interface Had {
  readonly phone: E164 | null
  readonly email?: string | null
  readonly provedAt?: Date | null
}

export interface People {
  /** One look-up, whatever the identifier is like. Active accounts; where `registered` is given, else a registration of that face: that of the client first, else the oldest. */
  find(identifier: Identifier, registered?: people.Registered): Promise<Person | undefined>
  /** Keeps the account as it is, but for this transaction, until that ends. */
  hold(trx: Trx, id: string): Promise<Person | undefined>
  holdOwner(trx: Trx, phone: E164): Promise<Person | undefined>
  /** The account that proved this e-mail. */
  holdProvedEmail(trx: Trx, email: string): Promise<Person | undefined>
  /** Throws `request.invalid` about what no account could hold, below the path `at`; called before anything is consumed. */
  check(typed: Typed, at?: string): void
  /**
   * Creates the account of a proved phone, or without one e-mail, and ends every claim on it. Any other e-mail or username somebody holds is left out and named,
   * or with `whole` refuses the account; of two proofs of one address, one is admitted.
   */
  admit(trx: Trx, account: PendingAccount, options?: { whole: boolean }): Promise<Admission>
  /** Throws a violation of `usernameIndex` where the username is taken. */
  change(trx: Trx, person: Person, changes: Changes): Promise<Person>
  noteSignIn(trx: Trx, id: string): Promise<void>
  /** Sets a password; challenges that were opened before prove nothing from then on. */
  setPassword(trx: Trx, id: string, hash: string): Promise<void>
  replaceHash(id: string, from: string, to: string): Promise<void>
  /** Whether an active account has this phone. */
  isPhoneTaken(trx: Trx, phone: E164): Promise<boolean>
  /** Gives an account a proved phone that nobody has; challenges that were opened before prove nothing from then on. */
  setPhone(trx: Trx, id: string, phone: E164): Promise<Person>
  /** The same with a proved e-mail that nobody else has proved. */
  setEmail(trx: Trx, id: string, email: string): Promise<Person>
  /**
   * Gives an account back what it had, without its password, and without the e-mail where that is not told; false, and nothing is done, where
   * somebody else has proved the e-mail since.
   */
  giveBack(trx: Trx, person: Person, had: Had): Promise<boolean>
  setSecondFactor(trx: Trx, id: string, enabled: boolean): Promise<Person>
  /** Makes an account an admin, or what it was before. The caller holds it. */
  setRole(trx: Trx, person: Person, to: 'admin' | 'before'): Promise<Person>
  withRole(role: string): Promise<Person[]>
  /** Deletes the account and all that refers to it. */
  remove(trx: Trx, id: string): Promise<void>
}

export const usernameIndex = 'users_username'

/** The role that opens what operators do. Nobody signs up with it. */
export const adminRole = 'admin'
const plainRole = 'user'

/** Whether somebody else took a phone, e-mail or username at the same moment. */
const wasTaken = (error: unknown): boolean =>
  [usernameIndex, 'users_email', 'users_phone'].some((index) => violates(error, index))

/** Tries again where somebody took an e-mail, username or phone at the same moment: the next turn sees who holds it. */
export async function untilNothingIsTaken<T>(work: () => Promise<T>): Promise<T> {
  for (let turn = 1; ; turn += 1) {
    try {
      return await work()
    } catch (error) {
      if (turn === 5 || !wasTaken(error)) throw error
    }
  }
}

/** `account.exists`, naming the fields that active accounts hold. */
export const heldError = (held: readonly people.Unique[]): AppError =>
  new AppError('account.exists', { errors: held.map((name) => ({ path: `/${name}`, message: 'is taken' })) })

export function createPeople({ db, claims, now }: { db: Db; claims: Claims; now: () => Date }): People {
  async function admit(trx: Trx, account: PendingAccount, { whole } = { whole: false }): Promise<Admission> {
    const { phone } = account
    if (phone !== null) await claims.hold(trx, phone)
    const conflicts = new Set<'email' | 'username'>()
    const at = now()
    // Each turn meets a new holder or succeeds; a holder that vanishes between the two statements costs a turn.
    for (let turn = 0; turn < 5; turn += 1) {
      // Without a phone it is the e-mail that was proved: who only said that it is his loses it.
      if (phone === null && account.email !== null) await people.releaseEmail(trx, account.email, at)
      const email = conflicts.has('email') ? null : account.email
      const username = conflicts.has('username') ? null : lower(account.username)
      const person = await people.insertUser(trx, {
        id: uuidv7(),
        phone,
        phone_verified_at: phone === null ? null : at,
        email,
        email_verified_at: phone === null ? at : null,
        name: account.name,
        username,
        role: account.role,
        profile: account.profile,
        password_hash: account.passwordHash,
        disabled_at: null,
        last_sign_in_at: at,
        credentials_changed_at: null,
        claimed_phone: null,
        claimed_email: null,
        claimed_username: null,
        registered_face: null,
        registered_client: null,
        created_at: at,
        updated_at: at,
      })
      if (person !== undefined) {
        const released = phone === null ? [] : await claims.end(trx, phone)
        return { verdict: 'admitted', person, conflicts: [...conflicts], released }
      }
      const held = await people.findHeld(trx, { phone, email, username })
      if (held.includes(phone === null ? 'email' : 'phone') || (whole && held.length > 0))
        return { verdict: 'held', held }
      for (const name of held) if (name !== 'phone') conflicts.add(name)
    }
    throw new AppError('unavailable')
  }

  return {
    // A value that cannot be stored is looked up as one that is not: the work must be the same.
    find: ({ kind, value }, registered) =>
      people.findUser(db, { kind, value: isStorable(value) ? value : '' }, registered),
    hold: people.holdUser,
    holdOwner: people.holdOwner,
    holdProvedEmail: people.holdProvedEmail,
    check({ email, name, role, username, profile }, at = '') {
      checkText(`${at}/email`, email)
      checkText(`${at}/name`, name)
      checkText(`${at}/role`, role)
      checkRole(`${at}/role`, role)
      checkUsername(`${at}/username`, username)
      checkProfile(`${at}/profile`, profile)
    },
    admit,
    change: (trx, { id, active }, { name, username, profile }) =>
      people.updateUser(trx, id, {
        updated_at: now(),
        ...(name !== undefined && { name }),
        ...(username !== undefined && { [active ? 'username' : 'claimed_username']: lower(username) }),
        ...(profile !== undefined && { profile }),
      }),
    noteSignIn: async (trx, id) => void (await people.updateUser(trx, id, { last_sign_in_at: now() })),
    async setPassword(trx, id, hash) {
      const at = now()
      await people.updateUser(trx, id, { password_hash: hash, credentials_changed_at: at, updated_at: at })
    },
    replaceHash: (id, from, to) => people.replaceHash(db, id, from, to),
    isPhoneTaken: async (trx, phone) => (await people.findHeld(trx, { phone, email: null, username: null })).length > 0,
    setPhone(trx, id, phone) {
      const at = now()
      return people.updateUser(trx, id, { phone, phone_verified_at: at, credentials_changed_at: at, updated_at: at })
    },
    async setEmail(trx, id, email) {
      const at = now()
      await people.releaseEmail(trx, email, at)
      return people.updateUser(trx, id, { email, email_verified_at: at, credentials_changed_at: at, updated_at: at })
    },
    async giveBack(trx, person, { phone, email = person.email, provedAt = person.email_verified_at }) {
      const at = now()
      const isOther = email?.toLowerCase() !== person.email?.toLowerCase()
      if (isOther && email !== null && provedAt !== null) await people.releaseEmail(trx, email, at)
      const isTaken = isOther && (await people.findHeld(trx, { phone: null, email, username: null })).length > 0
      if (isTaken && provedAt !== null) return false
      await people.updateUser(trx, person.id, {
        phone,
        phone_verified_at: phone === null ? null : at,
        email: isTaken ? null : email,
        email_verified_at: provedAt === null ? null : at,
        // Without a phone nobody could give its code.
        ...(phone === null && { second_factor: false }),
        password_hash: null,
        credentials_changed_at: at,
        updated_at: at,
      })
      return true
    },
    setSecondFactor: (trx, id, enabled) => people.updateUser(trx, id, { second_factor: enabled, updated_at: now() }),
    setRole: (trx, { id, role, role_before }, to) =>
      people.updateUser(trx, id, {
        ...(to === 'admin'
          ? { role: adminRole, role_before: role }
          : { role: role_before ?? plainRole, role_before: null }),
        role_changed_at: now(),
        updated_at: now(),
      }),
    withRole: (role) => people.findByRole(db, role),
    remove: people.deleteUser,
  }
}

/** What an account may show of itself; before its proof that is what it claims. */
export function toUser(row: Person): User {
  return {
    id: row.id,
    number: Number(row.number),
    phone: row.phone ?? row.claimed_phone,
    phoneVerified: row.phone_verified_at !== null,
    email: row.email ?? row.claimed_email,
    emailVerified: row.email_verified_at !== null,
    name: row.name,
    username: row.username ?? row.claimed_username,
    role: row.role,
    profile: row.profile,
    hasPassword: row.password_hash !== null,
    secondFactor: row.second_factor,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

/** When its password or phone last changed, as it is told to the gateway. */
export const asOf = ({ credentials_changed_at: at }: Person): string | null => at?.toISOString() ?? null

const lower = (text: string | null): string | null => text?.toLowerCase() ?? null

function checkText(path: string, text: string | null | undefined): void {
  if (typeof text === 'string' && !isStorable(text))
    throw invalidField(path, 'contains characters that cannot be stored')
}

/** The gateway offers it to nobody; should it ever, nobody gets it all the same. */
function checkRole(path: string, role: string | undefined): void {
  if (role === adminRole) throw invalidField(path, 'is given by operators only')
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
