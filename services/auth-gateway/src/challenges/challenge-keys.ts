import { challengeKey } from '@latchkey/contracts/challenge-record'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import { createShardedIds, shardOfHash } from '@latchkey/kit/sharded-id'

/** Redis keys of challenges and their counters. All keys of one subject share its shard, hence one slot of a cluster. */
export interface ChallengeKeys {
  /** Names the counters of a subject without naming the subject. */
  hashOf(subject: string): string
  newId(subject: string): string
  challenge(id: string): string
  sends(id: string, subjectHash: string): string
  ladder(id: string, subjectHash: string, purpose: Purpose): string
  wrong(id: string, subjectHash: string): string
  notice(id: string, subjectHash: string): string
}

/** `idKey` is shared with the worker; `indexKey` stays here, so that a Redis dump does not tell whose counters it holds. */
export function createChallengeKeys({ idKey, indexKey }: { idKey: Key; indexKey: Key }): ChallengeKeys {
  const ids = createShardedIds(idKey)
  const inShard = (id: string, rest: string) => `lk:{${ids.shardOf(id)}}:${rest}`
  return {
    hashOf: (subject) => hmac(indexKey, 'subject', subject).subarray(0, 16).toString('base64url'),
    newId: (subject) => ids.create(shardOfHash(hmac(indexKey, 'shard', subject))),
    challenge: (id) => challengeKey(ids.shardOf(id), id),
    sends: (id, hash) => inShard(id, `sends:${hash}`),
    ladder: (id, hash, purpose) => inShard(id, `ladder:${purpose}:${hash}`),
    wrong: (id, hash) => inShard(id, `wrong:${hash}`),
    notice: (id, hash) => inShard(id, `notice:${hash}`),
  }
}
