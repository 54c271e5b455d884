import { randomUUID } from 'node:crypto'
import { registrationPurposes } from '@latchkey/contracts/internal/registrations'
import type { ChallengePolicy } from '../flows/policy.js'
import type { Client } from '../flows/ports.js'
import type { Address } from './challenge.js'
import type { ChallengeKeys } from './challenge-keys.js'
import { newRecord, type Read, stateFor } from './challenge-record.js'
import type { ChallengeScripts } from './challenge-scripts.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

/** The decoys that stand in where an address leads to nothing: one an address and network, under an id that both spell. */
export interface AddressDecoys {
  /** The id under which the decoy stands. */
  idOf(address: Address, client: Client): string
  /** Opens it where it does not count already, without a send. */
  ensure(address: Address, client: Client, policy: ChallengePolicy): Promise<string>
  /** Whether this client can still answer one, as it was read, and a send would send it again. */
  canBeSent(address: Address, client: Client, found: Read | undefined): boolean
}

/**
 * Under what a decoy of an address counts wrong answers that are nobody's: each apart. Were it shared, what was answered to one would
 * limit another, and a live challenge not.
 */
export const nobodysCount = (messageId: string): string => messageId

/** The name under which nobody's limits are kept, so that an unknown identifier takes the work of a known one. */
export const nobodyBehind = (identifier: string): string => `nobody:${identifier}`

export function createAddressDecoys({
  scripts,
  keys,
  secrets,
}: {
  scripts: ChallengeScripts
  keys: ChallengeKeys
  secrets: ChallengeSecrets
}): AddressDecoys {
  function idOf(address: Address, { network }: Client): string {
    // The challenge of an account serves all who ask for it: were its decoy not the same for all, two networks could tell.
    const own = registrationPurposes.has(address.purpose) ? network : ''
    return keys.decoyId(keys.subject(nobodyBehind(address.text)), address, own)
  }
  return {
    idOf,
    async ensure(address, client, policy) {
      const [id, messageId] = [idOf(address, client), randomUUID()]
      const decoy = {
        purpose: address.purpose,
        face: address.face,
        subject: '',
        limited: true,
        message: { kind: 'decoy' },
        shownTo: null,
        country: 'ZZ',
        locale: 'en',
        pending: undefined,
        policy,
      } as const
      const named = { id, subjectHash: nobodysCount(messageId), messageId, quiet: false, secrets }
      const fields = { ...newRecord(decoy, named), unsent: '1' }
      await scripts.decoy(id, { lifeMs: policy.codeLifeSeconds * 1_000, anew: false, fields })
      return id
    },
    canBeSent(address, client, found) {
      if (found === undefined || found.now >= Number(found.record.expiresAt)) return false
      // An account has no challenge before its first send, which opens it with counts of its own.
      if (found.record.unsent !== undefined && !registrationPurposes.has(address.purpose)) return false
      return stateFor(client.network, found.record) === 'live'
    },
  }
}
