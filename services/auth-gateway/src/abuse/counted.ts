import type { Subject } from '../challenges/challenge-keys.js'
import type { RangeSend } from './conversion.js'

/** What a message was counted for, as far as it was; all of it keyed hashes. */
export interface Counted {
  readonly range: RangeSend | undefined
  readonly address: Subject | undefined
  readonly subnet: Subject | undefined
}

/** Counts as text that a challenge keeps; empty where nothing was counted. */
export function writeCounted({ range, address, subnet }: Counted): string {
  const parts = [range?.from, writeSubject(range?.range), range?.network, writeSubject(address), writeSubject(subnet)]
  return parts.every((part) => part === undefined) ? '' : parts.map((part) => part ?? '').join(' ')
}

/** The same read again; what is not there was not counted. */
export function readCounted(text: string): Counted {
  const [from, at, network = '', address, subnet] = text.split(' ')
  const range = readSubject(at)
  return {
    range: range && { range, from: from === 'reserve' ? 'reserve' : 'open', network },
    address: readSubject(address),
    subnet: readSubject(subnet),
  }
}

const writeSubject = (subject: Subject | undefined) => subject && `${subject.shard}.${subject.hash}`

function readSubject(text = ''): Subject | undefined {
  const [shard, hash] = text.split('.', 2)
  return shard === undefined || hash === undefined ? undefined : { shard, hash }
}
