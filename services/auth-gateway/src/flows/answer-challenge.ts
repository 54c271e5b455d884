import { type Address, type Email, isEmail } from '@latchkey/contracts/address'
import { PendingAddressChange, PendingLogin } from '@latchkey/contracts/internal/account-changes'
import { PendingRegistration } from '@latchkey/contracts/internal/registrations'
import { type Admitted, PendingAccount } from '@latchkey/contracts/internal/users'
import type { E164 } from '@latchkey/contracts/phone'
import type { Purpose, User } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { Compile } from 'typebox/compile'
import type { ChallengeStore, Claim } from '../challenges/challenge.js'
import { tooSoon } from './accounts.js'
import type { GuessBudgets } from '../abuse/guess-budgets.js'
import type { SmsBudget } from '../abuse/sms-budget.js'
import type { GuessPassword } from './guess-password.js'
import type { IsKnown } from './known-devices.js'
import { type CompleteEmailChangeDeps, createCompleteEmailChange } from './change-email.js'
import { type CompletePhoneChangeDeps, createCompletePhoneChange } from './change-phone.js'
import type { Caller, Client, Users } from './ports.js'
import type { OpenSession } from './session.js'

export interface AnswerChallengeDeps extends Pick<CompletePhoneChangeDeps, 'sms'> {
  readonly challenges: ChallengeStore
  readonly users: CompletePhoneChangeDeps['users'] &
    CompleteEmailChangeDeps['users'] &
    Pick<
      Users,
      'completeSignUp' | 'proveRegistration' | 'signInWithPhone' | 'signInWithSecondFactor' | 'giveResetToken'
    >
  readonly guesses: GuessBudgets
  readonly smsBudget: Pick<SmsBudget, 'answered'>
  readonly isKnown: IsKnown
  readonly guessPassword: GuessPassword
}

/** What a right answer led to; `created` where an account came into being. */
export type Proved =
  | {
      readonly kind: 'signed_in'
      readonly created: boolean
      readonly user: User
      readonly session: OpenSession
      readonly conflicts: readonly ('email' | 'username')[]
    }
  /** A registration became an account, or an account has another phone or e-mail; its own session goes on. */
  | { readonly kind: 'proved'; readonly user: User }
  | { readonly kind: 'reset_allowed'; readonly resetToken: string; readonly expiresAt: string }

export interface Answer {
  readonly id: string
  readonly code: string
  /** Of a log-in by code where a second factor is on: a missing or wrong one makes the answer a wrong one. */
  readonly password?: string | undefined
  readonly deviceToken?: string | undefined
  /** Of a face where an access token makes a known device. */
  readonly sessionId?: string | undefined
  /** Of a face that counts wrong answers by client. */
  readonly client?: Client
  /** Of a face that hears of the account only now: what it is to be. All of it or nothing. */
  readonly account?: Omit<PendingAccount, 'phone'>
  /** Whether the proof of a registration opens a session. */
  readonly signIn?: boolean
}

export type AnswerChallenge = (answer: Answer, caller: Caller) => Promise<Proved>

const askAgainMs = 1_000

/** Purposes whose challenge goes to the phone or e-mail of an account. */
const aboutAccounts: ReadonlySet<Purpose> = new Set<Purpose>(['sign_in', 'reset_password', 'second_factor'])
/** A number that nobody can have. */
const nobody = '+0'

const identifierOf = (to: Address | null) =>
  ({ kind: to !== null && isEmail(to) ? 'email' : 'phone', value: to ?? nobody }) as const

/**
 * Proves a phone or e-mail: claim the code, have its effect in one Postgres transaction that fences the challenge, settle.
 * Throws `challenge.wrong`, `challenge.gone`, `account.exists`, `account.disabled`, `rate.limited`, `unavailable`.
 */
export function createAnswerChallenge(deps: AnswerChallengeDeps): AnswerChallenge {
  const { challenges, guesses, smsBudget, isKnown } = deps
  const effects = createEffects(deps)

  /** Nobody is looked up where a challenge is about no account; where it is a decoy, nobody is found. */
  const knows = (answer: Answer, caller: Caller) => async (to: Address | null, purpose: Purpose) =>
    aboutAccounts.has(purpose) && isKnown(identifierOf(to), answer, caller)

  return async function answerChallenge(answer, caller) {
    const answered = await challenges.answer(answer.id, readCode(answer.code), caller.face, {
      ...(answer.client !== undefined && { client: answer.client }),
      knows: knows(answer, caller),
      count: () => guesses.answer(caller.guesser),
    })
    if (answered.verdict === 'exhausted') guesses.refused('challenge')
    switch (answered.verdict) {
      case 'wrong':
        throw wrong(answered.attemptsLeft)
      case 'limited':
        if (answered.budget !== undefined) guesses.refused(answered.budget)
        throw tooSoon(answered.retryAt)
      case 'held':
        throw tooSoon(
          new Date(Date.now() + askAgainMs),
          'Another answer to this challenge is being looked at; ask again in a second.',
        )
      case 'gone':
        throw new AppError('challenge.gone')
      case 'exhausted':
        throw new AppError('challenge.exhausted')
      case 'claimed':
        return take(answered.claim, answer, caller)
    }
  }

  async function take(claim: Claim, answer: Answer, caller: Caller): Promise<Proved> {
    try {
      const proved = await effects(claim, answer, caller)
      // Settled or not, the fence in Postgres holds; a lost settle only leaves the tombstone to the lease.
      await challenges.settle(claim).catch(() => undefined)
      smsBudget.answered(claim)
      return proved
    } catch (error) {
      if (error instanceof AppError && error.code === 'credentials.wrong') throw wrong(await challenges.refuse(claim))
      await afterFailure(claim, error)
      throw error
    }
  }

  async function afterFailure(claim: Claim, error: unknown): Promise<void> {
    if (error instanceof AppError && consumed.has(error.code)) return challenges.settle(claim).catch(() => undefined)
    // Where the transaction may have committed, the lease runs out and the next right answer meets the fence.
    if (error instanceof AppError && error.effect === 'unknown') return
    return challenges.release(claim).catch(() => undefined)
  }
}

/** The last wrong answer destroys the code: asking for it again would help nobody. */
function wrong(attemptsLeft: number): AppError {
  const ended =
    attemptsLeft > 0 ? {} : { detail: 'That was the last try of this challenge: start again to get a new code.' }
  return new AppError('challenge.wrong', { attemptsLeft, ...ended })
}

/** Refusals behind which the challenge is used up: the fence is committed. */
const consumed: ReadonlySet<string> = new Set(['challenge.gone', 'account.exists', 'account.disabled'])

/** People paste `123 456` and `123-456`; anything but digits is no guess and is not counted. */
export function readCode(text: string): string {
  const code = text.replace(/[\s-]/g, '')
  if (!/^\d{4,10}$/.test(code)) throw invalidField('/code', 'must be the digits of the code')
  return code
}

const signedIn = ({ user, session }: Admitted): Proved => ({
  kind: 'signed_in',
  created: false,
  user,
  session: { ...session, userId: user.id },
  conflicts: [],
})

const isLogin = Compile(PendingLogin)
const isAddressChange = Compile(PendingAddressChange)
const isRegistration = Compile(PendingRegistration)
const isAccount = Compile(PendingAccount)

const proofOf = ({ id, lapsed }: Claim) => ({ challengeId: id, ...(lapsed && { claimLapsed: true }) })

/** Throws where a code went the other way than its purpose has. */
function phoneOf({ to }: Claim): E164 {
  if (isEmail(to)) throw new Error('a code that proves a phone went by mail')
  return to
}

function emailOf({ to }: Claim): Email {
  if (!isEmail(to)) throw new Error('a code that proves an e-mail went by SMS')
  return to
}

/** What each purpose does once its code is proved. Purpose and address come from the challenge, never from the request. */
function createEffects({ users, sms, isKnown, guessPassword }: AnswerChallengeDeps) {
  const completePhoneChange = createCompletePhoneChange({ users, sms })
  const completeEmailChange = createCompleteEmailChange({ users, sms })
  return async function effects(claim: Claim, answer: Answer, caller: Caller): Promise<Proved> {
    const { purpose, face } = claim
    const device = answer.deviceToken === undefined ? {} : { deviceToken: answer.deviceToken }
    const proof = { ...proofOf(claim), face, openedAt: claim.openedAt.toISOString() }
    switch (purpose) {
      case 'sign_up':
      case 'verify_phone':
        return claimsAccount(claim, answer, caller)
      case 'sign_in':
        return signedIn(await signIn({ ...proof, phone: phoneOf(claim), ...device }, answer, caller))
      case 'second_factor': {
        if (!isLogin.Check(claim.pending)) throw new Error('a second factor belongs to no log-in')
        const { userId, asOf, deviceToken } = claim.pending
        const phone = phoneOf(claim)
        const login = { ...proofOf(claim), face, phone, userId, asOf, ...(deviceToken && { deviceToken }), ...device }
        return signedIn(await users.signInWithSecondFactor(login, caller))
      }
      case 'change_phone':
        if (!isAddressChange.Check(claim.pending)) throw new Error('a new phone belongs to no account')
        return {
          kind: 'proved',
          user: await completePhoneChange(phoneOf(claim), claim.pending, proofOf(claim), caller),
        }
      case 'reset_password':
        return { kind: 'reset_allowed', ...(await users.giveResetToken({ ...proof, phone: claim.to }, caller)) }
      case 'verify_email':
        if (!isAddressChange.Check(claim.pending)) throw new Error('a new e-mail belongs to no account')
        return {
          kind: 'proved',
          user: await completeEmailChange(emailOf(claim), claim.pending, proofOf(claim), caller),
        }
    }
  }

  /** A password beside a code is looked at after the right code only: nobody without the phone can spend its budget. */
  async function signIn(
    proof: Parameters<Users['signInWithPhone']>[0],
    { password, deviceToken }: Answer,
    caller: Caller,
  ): Promise<Admitted> {
    if (password === undefined) return users.signInWithPhone(proof, caller)
    const known = await isKnown({ kind: 'phone', value: proof.phone }, { deviceToken }, caller)
    return guessPassword({ account: `with_code:${proof.phone}`, known }, caller, () =>
      users.signInWithPhone({ ...proof, password }, caller),
    )
  }

  async function claimsAccount(claim: Claim, answer: Answer, caller: Caller): Promise<Proved> {
    const { face, pending } = claim
    const proof = proofOf(claim)
    if (isRegistration.Check(pending)) {
      const { user, session } = await users.proveRegistration(
        {
          ...proof,
          registrationId: pending.registrationId,
          phone: phoneOf(claim),
          face,
          signIn: answer.signIn ?? false,
        },
        caller,
      )
      return session === null ? { kind: 'proved', user } : signedIn({ user, session })
    }
    const told = answer.account === undefined ? pending : { ...answer.account, phone: phoneOf(claim) }
    if (!isAccount.Check(told) || claim.to !== (told.phone ?? told.email))
      throw new Error('a sign-up challenge holds no account')
    const { user, session, conflicts } = await users.completeSignUp(
      {
        ...proof,
        face,
        account: told,
        whole: answer.account !== undefined,
        ...(answer.deviceToken !== undefined && { deviceToken: answer.deviceToken }),
      },
      caller,
    )
    return { kind: 'signed_in', created: true, user, session: { ...session, userId: user.id }, conflicts }
  }
}
