import type { Address, Candidate, ChallengeStore } from '../challenges/challenge.js'
import type { FaceCaller } from './ports.js'

export type ChooseChallenge = (address: Address, caller: FaceCaller) => Promise<Candidate | undefined>

/**
 * Which challenge a caller means who names only an address: that of his access token; the only one; else the one his own
 * client opened. Two people may have registered one phone, and the code of one must not give the account to the other: who
 * comes with the token of one registration proves another only where his own client opened it.
 */
export function createChooseChallenge(challenges: Pick<ChallengeStore, 'candidates'>): ChooseChallenge {
  return async function chooseChallenge(address, { client, userId }) {
    const candidates = await challenges.candidates(address, client)
    const selected =
      userId === undefined ? undefined : candidates.find(({ registrationId }) => registrationId === userId)
    if (selected !== undefined) return selected
    const own = candidates.findLast(({ openedBy }) => openedBy === client.key)
    const [only, other] = candidates
    const othersToo = userId === undefined || only?.registrationId === undefined
    return other === undefined && othersToo ? only : own
  }
}
