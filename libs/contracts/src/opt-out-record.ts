/**
 * The copy (copy-record) in the queue's Redis that tells workers who is not to be texted, read before each send. Its fields are keyed
 * hashes of numbers, with ms since the epoch until which they count, or `forGood`.
 */
export const optOutsKey = (prefix: string): string => `${prefix}:opt-outs`

export const forGood = '0'

/** Keyed hashes of numbers as they stand in the list: 128 bits. */
export const optOutNumberPattern = '^[A-Za-z0-9_-]{22}$'
