import type { Address, ChallengeStore } from './challenge.js'
import type { ChallengeKeys } from './challenge-keys.js'
import type { ChallengeScripts } from './challenge-scripts.js'

/** Which phone was last named beside an e-mail: a pair has a challenge or a decoy of its own, and an answer names the e-mail only. */
export function createLastPairs({
  scripts,
  keys,
}: {
  scripts: ChallengeScripts
  keys: ChallengeKeys
}): Pick<ChallengeStore, 'namePair' | 'namedPair'> {
  const of = (address: Address, pair: string): Address => ({ ...address, text: `${address.text} pair:${pair}` })
  return {
    async namePair(address, phone, client, { codeLifeSeconds }) {
      const pair = keys.pair(address, phone)
      await scripts.namePair(keys.address(address), client.key, pair, codeLifeSeconds * 1_000)
      return of(address, pair)
    },
    async namedPair(address, client) {
      const pair = await scripts.lastPair(keys.address(address), client.key)
      return pair === undefined ? address : of(address, pair)
    },
  }
}
