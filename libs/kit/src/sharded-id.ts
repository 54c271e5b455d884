import { randomBytes } from 'node:crypto'
import { type Key, hmac } from './key-ring.js'

/**
 * Ids that carry a hidden shard: `<3 hex>.<32 hex>`, 128 random bits after a 12-bit shard masked by a keyed hash of
 * them. Who has the key finds the shard by the id alone; to anyone else two ids of one subject share nothing.
 */
export interface ShardedIds {
  /** An id on a shard of three hex digits: a new one, or always that of the same 32 `random` hex digits. */
  create(shard: string, random?: string): string
  shardOf(id: string): string
}

const hex3 = (bits: number) => bits.toString(16).padStart(3, '0')

/** `key` must be the same in every process that reads the ids. */
export function createShardedIds(key: Key): ShardedIds {
  const mask = (random: string) => hmac(key, 'id', random).readUInt16BE(0) >> 4
  return {
    create(shard, random = randomBytes(16).toString('hex')) {
      return `${hex3(Number.parseInt(shard, 16) ^ mask(random))}.${random}`
    },
    shardOf: (id) => hex3(Number.parseInt(id.slice(0, 3), 16) ^ mask(id.slice(4))),
  }
}

/** The shard of a keyed hash: its first 12 bits. */
export const shardOfHash = (hash: Buffer): string => hex3(hash.readUInt16BE(0) >> 4)
