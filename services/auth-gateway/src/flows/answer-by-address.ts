import { AppError } from '@latchkey/kit/app-error'
import type { Address, ChallengeStore } from '../challenges/challenge.js'
import type { Answer, AnswerChallenge, Proved } from './answer-challenge.js'
import type { ChooseChallenge } from './choose-challenge.js'
import type { ChallengePolicy } from './policy.js'
import type { FaceCaller } from './ports.js'

export interface AnswerByAddressDeps {
  readonly challenges: Pick<ChallengeStore, 'decoy'>
  readonly chooseChallenge: ChooseChallenge
  readonly answerChallenge: AnswerChallenge
}

export type AnswerByAddress = (
  answer: Omit<Answer, 'id' | 'client'> & { readonly address: Address },
  caller: FaceCaller,
  policy: ChallengePolicy,
) => Promise<Proved>

/**
 * Answers the challenge behind an address; where there is none a decoy counts the answer down, so that nobody learns it.
 * Throws `challenge.wrong`, `challenge.exhausted`, and what an answer by id throws.
 */
export function createAnswerByAddress({
  challenges,
  chooseChallenge,
  answerChallenge,
}: AnswerByAddressDeps): AnswerByAddress {
  return async function answerByAddress({ address, ...answer }, caller, policy) {
    const guess = (id: string) => answerChallenge({ ...answer, id, client: caller.client }, caller)
    const decoyed = async () => guess(await challenges.decoy(address, caller.client, policy))
    const chosen = await chooseChallenge(address, caller)
    if (chosen === undefined) return decoyed()
    if (chosen.state === 'exhausted') throw new AppError('challenge.exhausted')
    return guess(chosen.id).catch((error: unknown) => {
      // It ended between our look and our guess.
      if (error instanceof AppError && error.code === 'challenge.gone') return decoyed()
      throw error
    })
  }
}
