import type { Address, Candidate, ChallengeStore } from '../challenges/challenge.js'
import type { FaceCaller } from './ports.js'

/** `of` names the registration whose challenge alone is meant. */
export type ChooseChallenge = (address: Address, caller: FaceCaller, of?: string) => Promise<Candidate | undefined>

/**
 * Which challenge a caller means who names only an address: that of his access token; the only one; else the one his own
 * client opened. Two people may have registered one phone, and the code of one must not give the account to the other: who
 * comes with the token of one registration proves another only where his own client opened it.
 */
export function createChooseChallenge(challenges: Pick<ChallengeStore, 'candidates'>): ChooseChallenge {
  return async (address, caller, of) => chooseAmong(await challenges.candidates(address, caller.client), caller, of)
}

/** The same among candidates that were looked up already. */
export function chooseAmong(
  candidates: readonly Candidate[],
  { client, userId }: FaceCaller,
  of?: string,
): Candidate | undefined {
  if (of !== undefined) return candidates.findLast(({ registrationId }) => registrationId === of)
  const selected = userId === undefined ? undefined : candidates.find(({ registrationId }) => registrationId === userId)
  if (selected !== undefined) return selected
  const own = candidates.findLast(({ openedBy }) => openedBy === client.key)
  const [only, other] = candidates
  const othersToo = userId === undefined || only?.registrationId === undefined
  return other === undefined && othersToo ? only : own
}
