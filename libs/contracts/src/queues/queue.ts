import type { TSchema } from 'typebox'

/** One queue, described once for both ends. The payload carries its own version in `v`. */
export interface QueueContract<P extends TSchema> {
  /** Without `:`; BullMQ refuses it. */
  readonly name: string
  readonly version: number
  readonly payload: P
  /** A job is gathered over many requests, and belongs to none. */
  readonly batches?: boolean
}

export const queue = <P extends TSchema>(contract: QueueContract<P>): QueueContract<P> => contract

/** Hash-tagged, so that every key of every queue stands in one slot of a Redis Cluster. */
export const queuePrefix = '{latchkey}'
