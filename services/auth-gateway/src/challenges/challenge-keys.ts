import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { challengeKey } from '@latchkey/contracts/challenge-record'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import { createShardedIds, shardOfHash } from '@latchkey/kit/sharded-id'
import type { Address } from './challenge.js'

/** Whose counters: a phone, an identifier or an address, by keyed hashes that do not name it. */
export interface Subject {
  readonly shard: string
  readonly hash: string
}

/** Redis keys of challenges and their counters. All keys of one subject share its shard, hence one slot of a cluster. */
export interface ChallengeKeys {
  subject(text: string): Subject
  /** The same as its own devices are counted: what strangers spend there is not theirs. */
  known(subject: Subject): Subject
  /** The same as what a name leads to is counted: whoever named the phone itself is not told. */
  behind(subject: Subject): Subject
  /** What an address leads to stands here. */
  address(address: Address): Subject
  newId(subject: Subject): string
  /** The one id of the decoy that stands in for an address and a network, or without one for all of them. */
  decoyId(subject: Subject, address: Address, network: string): string
  shardOf(id: string): string
  challenge(id: string): string
  sends(subject: Subject): string
  ladder(subject: Subject, purpose: Purpose): string
  wrong(subject: Subject): string
  notice(subject: Subject): string
  guesses(subject: Subject): string
  /** What may still go unanswered of a range or a network. */
  credit(subject: Subject): string
  /** What each network left unanswered in a range, and when it last asked there. */
  unanswered(range: Subject): string
  askers(range: Subject): string
  /** Who answered in a range. */
  answerers(range: Subject): string
  spent(budget: Subject): string
  index(address: Subject): string
  /** What an e-mail and a phone are together, told by neither. */
  pair(address: Address, phone: string): string
  /** Which pair was named last for an e-mail; by one client where it is given. */
  lastPair(address: Subject, client?: string): string
}

/** `idKey` is shared with the worker; `indexKey` stays here, so that a Redis dump does not tell whose counters it holds. */
export function createChallengeKeys({ idKey, indexKey }: { idKey: Key; indexKey: Key }): ChallengeKeys {
  const ids = createShardedIds(idKey)
  const parts = ({ face, purpose, text }: Address) => [face, purpose, text] as const
  return {
    subject: (text) => ({
      shard: shardOfHash(hmac(indexKey, 'shard', text)),
      hash: hmac(indexKey, 'subject', text).subarray(0, 16).toString('base64url'),
    }),
    known: ({ shard, hash }) => ({ shard, hash: `${hash}:known` }),
    behind: ({ shard, hash }) => ({ shard, hash: `${hash}:behind` }),
    address: (address) => ({
      shard: shardOfHash(hmac(indexKey, 'address shard', ...parts(address))),
      hash: hmac(indexKey, 'address', ...parts(address))
        .subarray(0, 16)
        .toString('base64url'),
    }),
    newId: ({ shard }) => ids.create(shard),
    decoyId: ({ shard }, address, network) =>
      ids.create(
        shard,
        hmac(indexKey, 'decoy', ...parts(address), network)
          .subarray(0, 16)
          .toString('hex'),
      ),
    shardOf: ids.shardOf,
    challenge: (id) => challengeKey(ids.shardOf(id), id),
    sends: ({ shard, hash }) => `lk:{${shard}}:sends:${hash}`,
    ladder: ({ shard, hash }, purpose) => `lk:{${shard}}:ladder:${purpose}:${hash}`,
    wrong: ({ shard, hash }) => `lk:{${shard}}:wrong:${hash}`,
    notice: ({ shard, hash }) => `lk:{${shard}}:notice:${hash}`,
    guesses: ({ shard, hash }) => `lk:{${shard}}:guesses:${hash}`,
    credit: ({ shard, hash }) => `lk:{${shard}}:credit:${hash}`,
    unanswered: ({ shard, hash }) => `lk:{${shard}}:unanswered:${hash}`,
    askers: ({ shard, hash }) => `lk:{${shard}}:askers:${hash}`,
    answerers: ({ shard, hash }) => `lk:{${shard}}:answerers:${hash}`,
    spent: ({ shard, hash }) => `lk:{${shard}}:spent:${hash}`,
    index: ({ shard, hash }) => `lk:{${shard}}:found:${hash}`,
    pair: (address, phone) =>
      hmac(indexKey, 'pair', ...parts(address), phone)
        .subarray(0, 16)
        .toString('base64url'),
    lastPair: ({ shard, hash }, client) => `lk:{${shard}}:pair:${hash}${client === undefined ? '' : `:${client}`}`,
  }
}
