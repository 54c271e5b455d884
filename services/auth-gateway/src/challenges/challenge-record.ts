import type { ChallengeField } from '@latchkey/contracts/challenge-record'
import { Purpose } from '@latchkey/contracts/v1/shapes'
import { Value } from 'typebox/value'
import type { KnownChallenge, NewChallenge } from './challenge.js'
import type { ChallengeSecrets } from './challenge-secrets.js'

/** The Redis hash as it is read: text, and only the fields that are there. */
export type Record = { readonly [F in ChallengeField]?: string }

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
  readonly secrets: ChallengeSecrets
}

/** The fields of a new challenge but for its times, which Redis sets. */
export function newRecord(wanted: NewChallenge, { id, subjectHash, messageId, quiet, secrets }: Naming): Record {
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
    country: wanted.country,
    locale: wanted.locale,
    wrong: '0',
    attemptsMax: String(policy.attempts),
    resends: '0',
    resendsMax: String(policy.resends),
    messageId,
    quiet: quiet ? messageId : '',
    subject: subjectHash,
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
}: Record): Record => ({ generation, mac, box, expiresAt, messageId, resendAt, resends, quiet })

/** What the holder of the id may see of a record. Of an ended one nothing is left to try. */
export function knownChallenge(id: string, record: Record, { expired }: { expired: boolean }): KnownChallenge {
  const ended = expired || (record.state !== undefined && record.state !== 'live')
  return {
    id,
    purpose: purposeOf(record),
    face: record.face ?? '',
    shownTo: record.to === '' ? null : (record.to ?? null),
    country: record.country ?? '',
    generation: Number(record.generation),
    messageId: record.messageId ?? '',
    expiresAt: new Date(Number(record.expiresAt)),
    resendAt: new Date(Number(record.resendAt)),
    expired,
    attemptsLeft: ended ? 0 : Math.max(0, Number(record.attemptsMax) - Number(record.wrong)),
    resendsLeft: ended ? 0 : Math.max(0, Number(record.resendsMax) - Number(record.resends)),
  }
}

/** Throws where the record names a purpose that this version does not know. */
export function purposeOf({ purpose }: Record): Purpose {
  if (!Value.Check(Purpose, purpose)) throw new Error('a challenge has an unknown purpose')
  return purpose
}
