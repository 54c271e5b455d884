import { registrationPurposes } from '@latchkey/contracts/internal/registrations'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Client } from '../flows/ports.js'
import type { Address, Candidate, Found } from './challenge.js'
import type { ChallengeKeys, Subject } from './challenge-keys.js'
import { type Read, stateFor } from './challenge-record.js'
import type { ChallengeScripts } from './challenge-scripts.js'

const Entries = Type.Array(Type.Object({ id: Type.String(), client: Type.String(), registrationId: Type.String() }))

/** Which challenges an address leads to: their own key in the slot of the address, since theirs are in that of the phone. */
export interface AddressIndex {
  /** Lets an address lead to a challenge, and ends what that replaces. */
  enter(id: string, found: Found, challenge: { readonly sent: boolean; readonly expiresAt: Date }): Promise<void>
  /** After a send: whom a fourth would replace depends on it. */
  markSent(address: Subject, id: string, expiresAt: Date): Promise<void>
  leave(address: Subject, id: string): Promise<void>
  /** Those that can be answered, or were exhausted, oldest first: the index, then all of them at once, and with them one `beside`. */
  lookUp(
    address: Address,
    client: Client,
    beside?: string,
  ): Promise<{ readonly candidates: readonly Candidate[]; readonly beside: Read | undefined }>
}

export function createAddressIndex({
  scripts,
  keys,
}: {
  scripts: ChallengeScripts
  keys: ChallengeKeys
}): AddressIndex {
  return {
    async enter(id, { address, client, registrationId = '' }, { sent, expiresAt }) {
      // An account has one challenge, as it has one decoy: the newer replaces the older, whoever asks for it.
      const openedBy = registrationPurposes.has(address.purpose) ? client.key : ''
      const entry = { client: openedBy, registrationId, sent, expiresAt }
      const replaced = await scripts.enter(keys.address(address), id, entry)
      // Nothing leads to them any more; ended, they are not sent either.
      await Promise.allSettled(replaced.map((older) => scripts.end(older, 'superseded')))
    },
    markSent: scripts.markSent,
    leave: scripts.leave,
    async lookUp(address, client, beside) {
      const entries: unknown = JSON.parse((await scripts.entries(keys.address(address))) ?? '[]')
      if (!Value.Check(Entries, entries)) throw new Error('an address leads to something unknown')
      const [other, ...found] = await Promise.all([
        beside === undefined ? undefined : scripts.read(beside),
        ...entries.map(({ id }) => scripts.read(id)),
      ])
      const candidates = entries.flatMap(({ id, client: openedBy, registrationId }, at) => {
        const read = found[at]
        if (read === undefined || read.now >= Number(read.record.expiresAt)) return []
        const state = stateFor(client.network, read.record)
        return state === undefined
          ? []
          : [{ id, openedBy, registrationId: registrationId === '' ? undefined : registrationId, state }]
      })
      return { candidates, beside: other }
    },
  }
}
