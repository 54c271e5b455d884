import type { BodyOf } from '@latchkey/contracts/endpoint'
import { type findRegistration, registrationPurposes } from '@latchkey/contracts/internal/registrations'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { AppError } from '@latchkey/kit/app-error'
import type { GuessBudgets } from '../abuse/guess-budgets.js'
import type { Address, ChallengeStore } from '../challenges/challenge.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { readEmail, tooSoon } from './accounts.js'
import { addressOfEmail, addressOfPhone } from './addresses.js'
import { type Answer, type AnswerChallenge, type Proved, readCode } from './answer-challenge.js'
import type { ChooseChallenge } from './choose-challenge.js'
import type { ChallengePolicy } from './policy.js'
import type { FaceCaller, Users } from './ports.js'

export interface AnswerByAddressDeps {
  readonly challenges: Pick<ChallengeStore, 'decoy'>
  readonly guesses: Pick<GuessBudgets, 'roomToAnswer'>
  readonly chooseChallenge: ChooseChallenge
  readonly answerChallenge: AnswerChallenge
}

export type AnswerByAddress = (
  answer: Omit<Answer, 'id' | 'client'> & {
    readonly address: Address
    /** The registration whose challenge alone is meant. */
    readonly of?: string | undefined
  },
  caller: FaceCaller,
  policy: ChallengePolicy,
) => Promise<Proved>

/**
 * Answers the challenge behind an address; where there is none a decoy counts the answer down, so that nobody learns it.
 * Throws `challenge.wrong`, `challenge.exhausted`, and what an answer by id throws.
 */
export function createAnswerByAddress({
  challenges,
  guesses,
  chooseChallenge,
  answerChallenge,
}: AnswerByAddressDeps): AnswerByAddress {
  return async function answerByAddress({ address, of, ...answer }, caller, policy) {
    const { client, sessionId } = caller
    // What is no code is no guess: no decoy counts it.
    const code = readCode(answer.code)
    // Asked before anything is made: what an answer opens for nobody is kept for as long as a code lives.
    const room = await guesses.roomToAnswer(sessionId === undefined ? caller.guesser : undefined)
    if (room.verdict === 'limited') throw tooSoon(room.retryAt)
    const guess = (id: string) => answerChallenge({ ...answer, code, id, client, sessionId }, caller)
    const decoyed = async () => guess(await challenges.decoy(address, client, policy))
    const chosen = await chooseChallenge(address, caller, of)
    if (chosen === undefined) return decoyed()
    // An exhausted one is asked as well: it takes the work of a decoy.
    return guess(chosen.id).catch((error: unknown) => {
      // It ended between our look and our guess.
      if (error instanceof AppError && error.code === 'challenge.gone') return decoyed()
      throw error
    })
  }
}

/** What a right answer of a purpose leads to. */
export type ProvedBy<P extends Purpose> = Extract<
  Proved,
  { kind: P extends 'reset_password' ? 'reset_allowed' : P extends 'sign_in' ? 'signed_in' : 'signed_in' | 'proved' }
>

export interface SentAnswer<P extends Purpose> {
  /** Where the code went: a phone in international spelling, or an e-mail that stands for its owner's phone. */
  readonly to: { readonly phone: string } | { readonly email: string }
  readonly purpose: P
  readonly code: string
  /** Whether the proof of a registration opens a session. */
  readonly signIn?: boolean
}

export type AnswerSent = <P extends Purpose>(
  answer: SentAnswer<P>,
  caller: FaceCaller,
  policy: ChallengePolicy,
) => Promise<ProvedBy<P>>

type Claimed = BodyOf<typeof findRegistration>['by']

/** Answers the code that was sent to a phone, or for an e-mail. Throws as above, and `request.invalid`. */
export function createAnswerSent({
  users,
  challenges,
  answerByAddress,
  readPhone,
}: {
  users: Pick<Users, 'findRegistration'>
  challenges: Pick<ChallengeStore, 'namedPair'>
  answerByAddress: AnswerByAddress
  readPhone: ReadPhone
}): AnswerSent {
  /**
   * Whoever has a registration proves no other: the code in the newest SMS may be that of somebody who registered with this
   * phone too, and his own may have ended, or was never sent. Who comes with a token is known by it.
   */
  async function ownRegistration(by: Claimed, caller: FaceCaller) {
    const { face, client, userId } = caller
    const wanted = { face, by, client: client.key, ...(userId !== undefined && { userId }) }
    const { registration } = await users.findRegistration(wanted, caller)
    return userId === undefined || registration?.id === userId ? registration?.id : undefined
  }

  return async function answerSent<P extends Purpose>(
    { to, purpose, ...answer }: SentAnswer<P>,
    caller: FaceCaller,
    policy: ChallengePolicy,
  ) {
    const by: Claimed =
      'phone' in to ? { kind: 'phone', value: readPhone(to.phone).e164 } : { kind: 'email', value: readEmail(to.email) }
    const claims = registrationPurposes.has(purpose)
    const of = claims ? await ownRegistration(by, caller) : undefined
    const named = (by.kind === 'phone' ? addressOfPhone : addressOfEmail)(caller.face, purpose, by.value)
    // The code of an account is sent for an e-mail and a phone together.
    const address = by.kind === 'email' && !claims ? await challenges.namedPair(named, caller.client) : named
    // What an answer leads to follows from the purpose of its challenge, which is part of the address.
    return (await answerByAddress({ address, of, ...answer }, caller, policy)) as ProvedBy<P>
  }
}
