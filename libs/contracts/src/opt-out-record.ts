/** The hash in the queue's Redis that tells workers who is not to be texted: users writes it, the worker reads it before each send. */
export const optOutsKey = (prefix: string): string => `${prefix}:opt-outs`

/** Besides these two each field is the keyed hash of a number, with ms since the epoch until which it counts, or `forGood`. */
export const optOutFields = {
  /** Of the newest change that is in the copy. */
  version: 'version',
  /** `1` once everything users knows is in it: a copy without it was lost and is being written anew. */
  complete: 'complete',
} as const

export const forGood = '0'

/** Keyed hashes of numbers as they stand in the list: 128 bits. */
export const optOutNumberPattern = '^[A-Za-z0-9_-]{22}$'
