import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { findRegistration, register } from '@latchkey/contracts/internal/registrations'
import type { E164 } from '@latchkey/contracts/phone'
import { AppError } from '@latchkey/kit/app-error'
import { v7 as uuidv7 } from 'uuid'
import { type Db, inBatches, isStorable, type Trx } from '../database.js'
import * as claims from './claims.repository.js'
import { findHeld, insertUser, type Unique, type UserRow } from './people.repository.js'

/** What a registration is made of, its password hashed. */
export type Claim = Omit<BodyOf<typeof register>, 'password' | 'rules' | 'hideConflicts'> & {
  readonly passwordHash: string | null
}

type Proof =
  | { readonly verdict: 'proved'; readonly person: UserRow; readonly released: readonly string[] }
  | { readonly verdict: 'gone' | 'exists' }

/** Accounts before their proof: what they claim is theirs only when their phone is proved, and lost when somebody else proves it. */
export interface Claims {
  /** Waits for whoever registers or proves the same phone; the others wait until the transaction ends. */
  hold(trx: Trx, phone: E164): Promise<void>
  /** Creates a registration, or an active account where no phone is claimed and nothing is held. Where something is held and `evenIfHeld` is not set, nothing is written. */
  make(trx: Trx, claim: Claim, evenIfHeld: boolean): Promise<{ person: UserRow | undefined; held: Unique[] }>
  find(wanted: BodyOf<typeof findRegistration>): Promise<ReplyOf<typeof findRegistration>>
  /** Makes a registration active; an e-mail or username that an active account holds is left out. Every other claim on the phone ends. */
  prove(trx: Trx, claim: { registrationId: string; phone: E164; face: string }): Promise<Proof>
  /** Ends every claim on a phone that was proved; the caller holds it. Answers the accounts that go on without it. */
  end(trx: Trx, phone: E164): Promise<readonly string[]>
  /** Only a young one: whoever registered has just been told that it failed. */
  drop(registrationId: string): Promise<void>
  /** Deletes registrations nobody has signed in to for a week; says how many. */
  sweep(): Promise<number>
}

const droppableMs = 60_000
const forgottenMs = 7 * 24 * 3_600_000

export function createClaims({ db, now }: { db: Db; now: () => Date }): Claims {
  async function make(trx: Trx, claim: Claim, evenIfHeld: boolean) {
    const { face, client, phone, email, username, phoneOptional = false } = claim
    if (phone !== null) await claims.holdPhone(trx, phone)
    const at = now()
    // Each turn meets a new holder or succeeds.
    for (let turn = 0; turn < 5; turn += 1) {
      const held = await findHeld(trx, { phone, email, username })
      if (held.length > 0 && !evenIfHeld) return { person: undefined, held }
      const active = phone === null && held.length === 0
      const names = active
        ? { email, username, claimed_email: null, claimed_username: null }
        : { email: null, username: null, claimed_email: email, claimed_username: username }
      const person = await insertUser(trx, {
        id: uuidv7(),
        active,
        phone: null,
        phone_verified_at: null,
        email_verified_at: null,
        ...names,
        claimed_phone: phone,
        phone_optional: phoneOptional,
        registered_face: active ? null : face,
        registered_client: active ? null : client,
        name: claim.name,
        role: claim.role,
        profile: claim.profile,
        password_hash: claim.passwordHash,
        disabled_at: null,
        last_sign_in_at: at,
        credentials_changed_at: null,
        created_at: at,
        updated_at: at,
      })
      if (person !== undefined) return { person, held }
    }
    throw new AppError('unavailable')
  }

  async function find({ face, by, client, userId }: BodyOf<typeof findRegistration>) {
    // A value that cannot be stored is looked up as one that is not: the work must be the same.
    const value = isStorable(by.value) ? by.value : ''
    const found = await claims.findClaims(db, { face, by: { ...by, value }, client, userId: userId ?? null })
    const held = await findHeld(db, { phone: null, email: null, username: null, [by.kind]: value })
    const [first] = found
    const meant =
      first !== undefined && (found.length === 1 || first.id === userId || first.client === client) ? first : undefined
    const told = meant === undefined ? null : { id: meant.id, phone: meant.phone }
    return {
      registration: meant?.held === true ? null : told,
      shadow: meant?.held === true ? told : null,
      proved: held.length > 0,
    }
  }

  const end = (trx: Trx, phone: E164): Promise<readonly string[]> => claims.endClaims(trx, phone, now())

  async function prove(
    trx: Trx,
    { registrationId, phone, face }: { registrationId: string; phone: E164; face: string },
  ): Promise<Proof> {
    await claims.holdPhone(trx, phone)
    const claim = await claims.holdClaim(trx, { id: registrationId, phone, face })
    if (claim === undefined) return { verdict: 'gone' }
    const held = await findHeld(trx, { phone, email: claim.claimed_email, username: claim.claimed_username })
    if (held.includes('phone')) return { verdict: 'exists' }
    const person = await claims.activate(trx, registrationId, {
      phone,
      email: held.includes('email') ? null : claim.claimed_email,
      username: held.includes('username') ? null : claim.claimed_username,
      at: now(),
    })
    return { verdict: 'proved', person, released: await end(trx, phone) }
  }

  return {
    hold: claims.holdPhone,
    make,
    find,
    prove,
    end,
    drop: (registrationId) => claims.deleteClaim(db, registrationId, new Date(now().getTime() - droppableMs)),
    async sweep() {
      const before = new Date(now().getTime() - forgottenMs)
      return inBatches((most) => claims.deleteForgotten(db, { before, most }))
    },
  }
}
