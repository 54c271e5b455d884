import type { Ailment } from '@latchkey/contracts/dev/ailments'
import type { Outcome, State } from './story.js'

// The inbox is for who builds on Latchkey, and speaks English alone.

export const states: Readonly<Record<State, string>> = {
  queued: 'in the queue',
  sending: 'being sent',
  unknown: 'maybe sent',
  accepted: 'sent, no receipt yet',
  delivered: 'delivered',
  undelivered: 'did not arrive',
  rejected: 'number refused',
  failed: 'failed',
  expired_unsent: 'code ended unsent',
  superseded_unsent: 'replaced unsent',
  unconfirmed: 'no receipt in 24 h',
}

export const outcomes: Readonly<Record<Outcome, string>> = {
  accepted: 'took it',
  rejected: 'refused the number',
  not_sent: 'refused it',
  unknown: 'no answer: it may have gone out',
}

export const buttons: Readonly<Record<Ailment, string>> = {
  slow: 'Slow',
  refuse: 'Refuse',
  hang: 'Hang',
  mute: 'Fall silent',
  no_receipts: 'Lose receipts',
}

/** `sign_up` → `sign up`. */
export const purposeOf = (purpose: string): string => purpose.replaceAll('_', ' ')

/** A stretch of time: `12 ms`, `2.0 s`, `1:05 min`. */
export function stretch(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${Math.floor(ms / 60_000)}:${String(Math.round((ms % 60_000) / 1_000)).padStart(2, '0')} min`
}

export const clock = (at: number | string): string =>
  new Date(at).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

export const clockWithSeconds = (at: number): string => new Date(at).toLocaleTimeString('en-GB')

/** `+919876543210` in groups, for the eye. */
export const spaced = (phone: string): string => phone.replace(/^(\+\d{2})(\d{5})(\d+)$/, '$1 $2 $3')
