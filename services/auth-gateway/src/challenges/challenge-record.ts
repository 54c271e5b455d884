import type { ChallengeField } from '@latchkey/contracts/challenge-record'
import { Purpose } from '@latchkey/contracts/v1/shapes'
import { Value } from 'typebox/value'
import type { KnownChallenge } from './challenge.js'

/** The Redis hash as it is read: text, and only the fields that are there. */
export type Record = { readonly [F in ChallengeField]?: string }

/** Field, value, field, value, … → a record. */
export function toRecord(pairs: readonly string[]): Record {
  const record: { [field: string]: string } = {}
  for (let at = 0; at < pairs.length; at += 2) record[pairs[at] ?? ''] = pairs[at + 1] ?? ''
  return record
}

/** What the holder of the id may see of a record at `now` (ms). */
export function knownChallenge(id: string, record: Record, now: number): KnownChallenge {
  const expiresAt = Number(record.expiresAt)
  return {
    id,
    purpose: purposeOf(record),
    face: record.face ?? '',
    shownTo: record.to === '' ? null : (record.to ?? null),
    country: record.country ?? '',
    generation: Number(record.generation),
    messageId: record.messageId ?? '',
    expiresAt: new Date(expiresAt),
    resendAt: new Date(Number(record.resendAt)),
    expired: expiresAt <= now,
    attemptsLeft: Math.max(0, Number(record.attemptsMax) - Number(record.wrong)),
    resendsLeft: Math.max(0, Number(record.resendsMax) - Number(record.resends)),
  }
}

/** Throws where the record names a purpose that this version does not know. */
export function purposeOf({ purpose }: Record): Purpose {
  if (!Value.Check(Purpose, purpose)) throw new Error('a challenge has an unknown purpose')
  return purpose
}
