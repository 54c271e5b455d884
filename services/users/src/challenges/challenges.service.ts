import { isEmail } from '@latchkey/contracts/address'
import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { changeEmail, changePhone, signInWithSecondFactor } from '@latchkey/contracts/internal/account-changes'
import type { proveRegistration } from '@latchkey/contracts/internal/registrations'
import type { completeSignUp, giveResetToken, signInWithPhone } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import { ownFace } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { Passwords } from '../credentials/passwords.service.js'
import type { Reproof } from '../credentials/reproof.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import type { Claims } from '../people/claims.service.js'
import { asOf, heldError, type People, type Person, toUser, untilNothingIsTaken } from '../people/people.service.js'
import type { EmailChanges } from '../phone-changes/email-changes.service.js'
import type { PhoneChanges } from '../phone-changes/phone-changes.service.js'
import type { Sessions, WithAgent } from '../sessions/sessions.service.js'
import { deleteConsumed, findConsumed, insertConsumed } from './challenges.repository.js'

/** What a proved challenge leads to, each at most once per challenge: the effect and its fence are one transaction. */
export interface Challenges {
  completeSignUp(input: WithAgent<BodyOf<typeof completeSignUp>>): Promise<ReplyOf<typeof completeSignUp>>
  proveRegistration(input: WithAgent<BodyOf<typeof proveRegistration>>): Promise<ReplyOf<typeof proveRegistration>>
  signIn(input: WithAgent<BodyOf<typeof signInWithPhone>>): Promise<ReplyOf<typeof signInWithPhone>>
  /** The second step of a log-in whose password was right. */
  signInTwice(input: WithAgent<BodyOf<typeof signInWithSecondFactor>>): Promise<ReplyOf<typeof signInWithSecondFactor>>
  changePhone(input: BodyOf<typeof changePhone>): Promise<ReplyOf<typeof changePhone>>
  changeEmail(input: BodyOf<typeof changeEmail>): Promise<ReplyOf<typeof changeEmail>>
  giveResetToken(input: BodyOf<typeof giveResetToken>): Promise<ReplyOf<typeof giveResetToken>>
  /** When each of some challenges was used; those that were not are left out. */
  whenUsed(ids: readonly string[]): Promise<ReadonlyMap<string, Date>>
  /** Forgets challenges that were used so long ago that no copy of Redis can bring them back; says how many. */
  sweep(): Promise<number>
}

/** A right answer to a challenge that was used before: Redis `forgot` its use, or is `unsure` what became of an earlier answer. */
export type ObserveFenced = (redis: 'forgot' | 'unsure') => void

type Proof = Pick<BodyOf<typeof giveResetToken>, 'challengeId' | 'claimLapsed'>

interface ChallengesNeeds {
  readonly db: Db
  readonly people: People
  readonly claims: Claims
  readonly sessions: Sessions
  readonly passwords: Pick<Passwords, 'giveResetToken'>
  readonly reproof: Pick<Reproof, 'isPassword'>
  readonly phoneChanges: Pick<PhoneChanges, 'apply'>
  readonly emailChanges: Pick<EmailChanges, 'apply'>
  readonly now: () => Date
  readonly observeFenced: ObserveFenced
}

/** A restored Redis brings back codes as they were in its copy, and its clock may be as old: copies are kept for days, not months. */
const keptMs = 90 * 24 * 3_600_000

type Refusal = ErrorCode | AppError

type Device = Omit<Parameters<Sessions['open']>[1], 'person'>

/** Equal to no hash, nor to the lack of one. */
const none = ''

export function createChallenges(needs: ChallengesNeeds): Challenges {
  const { db, people, claims, sessions, passwords, reproof, phoneChanges, emailChanges, now, observeFenced } = needs

  /** A refusal is returned, not thrown: a throw would roll back, and give the challenge a second life. */
  async function once<T extends object>(
    { challengeId, claimLapsed = false }: Proof,
    effect: (trx: Trx) => Promise<T | Refusal>,
  ): Promise<T> {
    const outcome = await untilNothingIsTaken(() =>
      db
        .transaction()
        .execute<T | Refusal | 'fenced'>(async (trx) =>
          (await insertConsumed(trx, challengeId, now())) ? effect(trx) : 'fenced',
        ),
    )
    if (outcome === 'fenced') {
      observeFenced(claimLapsed ? 'unsure' : 'forgot')
      throw new AppError('challenge.gone')
    }
    if (typeof outcome === 'string') throw new AppError(outcome)
    if (outcome instanceof AppError) throw outcome
    return outcome
  }

  async function enter(trx: Trx, person: Person, device: Device) {
    await people.noteSignIn(trx, person.id)
    return { user: toUser(person), session: await sessions.open(trx, { person, ...device }) }
  }

  /** The hash that a password is right for, where its owner has a second factor: compared before a row is held. */
  async function rightHash(phone: E164, password: string | undefined): Promise<string | undefined> {
    if (password === undefined) return undefined
    const found = await people.find({ kind: 'phone', value: phone })
    if (found?.second_factor !== true || !(await reproof.isPassword(found, password))) return undefined
    return found.password_hash ?? undefined
  }

  async function signIn(input: WithAgent<BodyOf<typeof signInWithPhone>>) {
    const { phone, face, deviceToken, userAgent, openedAt, password, ...proof } = input
    const hash = await rightHash(phone, password)
    return once(proof, async (trx) => {
      const person = await people.holdOwner(trx, phone)
      if (person === undefined || isOutdated(person, openedAt)) return 'challenge.gone'
      if (person.disabled_at !== null) return 'account.disabled'
      if (person.second_factor && face !== ownFace) return 'challenge.gone'
      // Thrown: the challenge takes it for a wrong answer, and lives on while it takes them.
      if (person.second_factor && person.password_hash !== (hash ?? none)) throw new AppError('credentials.wrong')
      return enter(trx, person, { face, deviceToken, userAgent })
    })
  }

  /** A first proof ends every session that was opened on the claim of somebody else. */
  async function endSessions(trx: Trx, released: readonly string[]): Promise<void> {
    for (const id of released) await sessions.endAll(trx, id)
  }

  return {
    async completeSignUp({ face, account, deviceToken, userAgent, whole = false, ...proof }) {
      people.check(account, '/account')
      return once(proof, async (trx) => {
        const admission = await people.admit(trx, account, { whole })
        if (admission.verdict === 'held') return whole ? heldError(admission.held) : 'account.exists'
        const { person, conflicts } = admission
        await endSessions(trx, admission.released)
        const session = await sessions.open(trx, { person, face, deviceToken, userAgent })
        return { user: toUser(person), session, conflicts }
      })
    },
    proveRegistration: ({ registrationId, phone, face, signIn, userAgent, ...challenge }) =>
      once(challenge, async (trx) => {
        const proof = await claims.prove(trx, { registrationId, phone, face })
        if (proof.verdict !== 'proved') return proof.verdict === 'gone' ? 'challenge.gone' : heldError(['phone'])
        const { person } = proof
        await endSessions(trx, proof.released)
        if (!signIn) return { user: toUser(person), session: null }
        return enter(trx, person, { face, deviceToken: undefined, userAgent })
      }),
    signIn,
    signInTwice: ({ userId, asOf: begun, phone, face, deviceToken, userAgent, ...proof }) =>
      once(proof, async (trx) => {
        const person = await people.hold(trx, userId)
        // Another password or phone since the log-in began: it was not with these.
        if (person === undefined || asOf(person) !== begun || person.phone !== phone) return 'challenge.gone'
        if (person.disabled_at !== null) return 'account.disabled'
        return enter(trx, person, { face, deviceToken, userAgent })
      }),
    changePhone: ({ challengeId, claimLapsed, ...change }) =>
      once({ challengeId, ...(claimLapsed !== undefined && { claimLapsed }) }, async (trx) => {
        const changed = await phoneChanges.apply(trx, change)
        return typeof changed === 'string' ? changed : { user: toUser(changed) }
      }),
    changeEmail: ({ challengeId, claimLapsed, ...change }) =>
      once({ challengeId, ...(claimLapsed !== undefined && { claimLapsed }) }, async (trx) => {
        const changed = await emailChanges.apply(trx, change)
        return typeof changed === 'string' ? changed : { user: toUser(changed) }
      }),
    giveResetToken: ({ phone: to, face, openedAt, ...proof }) =>
      once(proof, async (trx) => {
        const byMail = isEmail(to)
        const person = byMail ? await people.holdProvedEmail(trx, to) : await people.holdOwner(trx, to)
        if (person === undefined || isOutdated(person, openedAt, byMail)) return 'challenge.gone'
        // A documented API has no step for the second factor, and must not be the way around it.
        if (person.second_factor && face !== ownFace) return 'challenge.gone'
        return passwords.giveResetToken(trx, person)
      }),
    whenUsed: (ids) => findConsumed(db, ids),
    sweep() {
      const before = new Date(now().getTime() - keptMs)
      return inBatches((most) => deleteConsumed(db, { before, most }))
    },
  }
}

/** Whether the challenge was opened before password, phone or e-mail was changed, or before the account had this one: it was for another. */
const isOutdated = (person: Person, openedAt: string | undefined, byMail = false): boolean =>
  openedAt !== undefined &&
  [person.credentials_changed_at, byMail ? person.email_verified_at : person.phone_verified_at].some(
    (at) => at !== null && Date.parse(openedAt) < at.getTime(),
  )
