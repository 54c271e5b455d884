import { type ChallengeField, wrongOf } from '@latchkey/contracts/challenge-record'
import { Purpose } from '@latchkey/contracts/v1/shapes'
import { Compile } from 'typebox/compile'
import type { Claim, KnownChallenge, Message, NewChallenge } from './challenge.js'
import type { Subject } from './challenge-keys.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

/** The Redis hash as it is read: text, and only the fields that are there. */
export type Record = { readonly [F in ChallengeField]?: string } & {
  readonly [wrong: ReturnType<typeof wrongOf>]: string
}

/** A record, and the time of challenges when it was read. */
export interface Read {
  readonly now: number
  readonly record: Record
}

/** Field, value, field, value, … → a record. */
export function toRecord(pairs: readonly string[]): Record {
  const record: { [field: string]: string } = {}
  for (let at = 0; at < pairs.length; at += 2) record[pairs[at] ?? ''] = pairs[at + 1] ?? ''
  return record
}

interface Naming {
  readonly id: string
  readonly subjectHash: string
  readonly messageId: string
  /** Whether its first message must not be sent. */
  readonly quiet: boolean
  /** The address that is to lead to it. */
  readonly address?: Subject | undefined
  readonly secrets: ChallengeSecrets
}

/** The fields of a new challenge but for its times, which Redis sets. */
export function newRecord(
  wanted: NewChallenge,
  { id, subjectHash, messageId, quiet, address, secrets }: Naming,
): Record {
  const { policy, message } = wanted
  return {
    purpose: wanted.purpose,
    face: wanted.face,
    generation: '1',
    lifeMs: String(policy.codeLifeSeconds * 1_000),
    mac: secrets.macOf(id, 1, message),
    box: secrets.sealMessage(id, 1, message),
    pending: secrets.sealPending(id, wanted.pending),
    to: wanted.shownTo ?? '',
    ...(wanted.channel === 'email' && { channel: wanted.channel }),
    country: wanted.country,
    locale: wanted.locale,
    wrong: '0',
    attemptsMax: String(policy.attempts),
    ...(policy.attemptsPerClient !== undefined && { attemptsPerClient: String(policy.attemptsPerClient) }),
    resends: '0',
    resendsMax: String(policy.resends),
    messageId,
    quiet: quiet ? messageId : '',
    ...(wanted.known === true && { known: '1' }),
    subject: subjectHash,
    ...(address !== undefined && { found: writeSubject(address) }),
    ...(wanted.counted !== undefined && wanted.counted !== '' && { counted: wanted.counted }),
  }
}

/** What a resend changes: the fields by which it is taken back. */
export const resentFields = ({
  generation = '',
  mac = '',
  box = '',
  expiresAt = '',
  messageId = '',
  resendAt = '',
  resends = '',
  quiet = '',
  unsent,
}: Record): Record => ({
  generation,
  mac,
  box,
  expiresAt,
  messageId,
  resendAt,
  resends,
  quiet,
  ...(unsent !== undefined && { unsent }),
})

/** What the holder of the id may see of a record. Of an ended one nothing is left to try. */
export function knownChallenge(id: string, record: Record, { expired }: { expired: boolean }): KnownChallenge {
  const ended = expired || (record.state !== undefined && record.state !== 'live')
  return {
    id,
    purpose: purposeOf(record),
    face: record.face ?? '',
    channel: record.channel === 'email' ? 'email' : 'sms',
    shownTo: record.to === '' ? null : (record.to ?? null),
    country: record.country ?? '',
    generation: Number(record.generation),
    messageId: record.messageId ?? '',
    sent: record.unsent === undefined,
    counted: record.counted ?? '',
    openedAt: openedAt(record),
    expiresAt: new Date(Number(record.expiresAt)),
    resendAt: new Date(Number(record.resendAt)),
    expired,
    attemptsLeft: ended ? 0 : Math.max(0, Number(record.attemptsMax) - Number(record.wrong)),
    resendsLeft: ended ? 0 : Math.max(0, Number(record.resendsMax) - Number(record.resends)),
  }
}

/** When it was opened; of a record from before that was written down, as early as its life allows. */
export const openedAt = (record: Record): Date =>
  new Date(Number(record.openedAt ?? Number(record.expiresAt) - Number(record.lifeMs)))

/** The address that leads to a challenge, if one does. */
export const addressOf = ({ found }: Record): Subject | undefined => readSubject(found)

/** Whose wrong answers a decoy's count as, if anybody's. */
export const countsFor = (record: Record): Subject | undefined => readSubject(record.countsFor)

export const writeSubject = ({ shard, hash }: Subject): string => `${shard}.${hash}`

function readSubject(text: string | undefined): Subject | undefined {
  const [shard, hash] = text?.split('.', 2) ?? []
  return shard === undefined || hash === undefined ? undefined : { shard, hash }
}

/** What a right answer is told; whose it counts as, the store knows. */
export function claimOf(
  id: string,
  owner: string,
  record: Record,
  { message, pending }: { readonly message: Message; readonly pending: unknown },
): Omit<Claim, 'lapsed' | 'subject' | 'behind'> {
  if (message.kind !== 'code') throw new Error('a challenge without a code was answered')
  return {
    id,
    owner,
    purpose: purposeOf(record),
    face: record.face ?? '',
    to: message.to,
    pending,
    openedFor: { hash: record.subject ?? '', known: record.known === '1' },
    address: addressOf(record),
    openedAt: openedAt(record),
    counted: record.counted ?? '',
    sends: Number(record.resends) + (record.unsent === undefined ? 1 : 0),
  }
}

/** What one network may still make of a challenge; undefined where it has ended in another way. */
export function stateFor(network: string, record: Record): 'live' | 'exhausted' | undefined {
  if (record.state === 'exhausted') return 'exhausted'
  if (record.state !== 'live') return undefined
  const spent = Number(record[wrongOf(network)] ?? 0) >= Number(record.attemptsPerClient ?? Number.POSITIVE_INFINITY)
  return spent ? 'exhausted' : 'live'
}

const isPurpose = Compile(Purpose)

/** Throws where the record names a purpose that this version does not know. */
export function purposeOf({ purpose }: Record): Purpose {
  if (!isPurpose.Check(purpose)) throw new Error('a challenge has an unknown purpose')
  return purpose
}
