import type { Subject } from '../challenges/challenge-keys.js'
import type { Networks, RangeSend } from './conversion.js'

/** What a message was counted for, as far as it was; all of it keyed hashes. */
export interface CountedFor {
  readonly range: RangeSend | undefined
  readonly networks: Networks | undefined
}

/** Counts as text that a challenge keeps; never empty, also where nothing was counted: of a message that was judged resends are judged too. */
export function writeCounted({ range, networks }: CountedFor): string {
  const ofRange = [range?.from, writeSubject(range?.range), range?.network]
  const parts = [...ofRange, writeSubject(networks?.address), writeSubject(networks?.subnet)]
  return parts.map((part) => part ?? '').join(' ')
}

/** The same read again; what is not there was not counted. */
export function readCounted(text: string): CountedFor {
  const [from, at, network = '', ofAddress, ofSubnet] = text.split(' ')
  const [range, address, subnet] = [at, ofAddress, ofSubnet].map(readSubject)
  return {
    range: range && { range, from: from === 'reserve' ? 'reserve' : 'open', network },
    networks: address && subnet && { address, subnet },
  }
}

const writeSubject = (subject: Subject | undefined) => subject && `${subject.shard}.${subject.hash}`

function readSubject(text = ''): Subject | undefined {
  const [shard, hash] = text.split('.', 2)
  return shard === undefined || hash === undefined ? undefined : { shard, hash }
}
