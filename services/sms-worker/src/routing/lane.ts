import type { SendOutcome, SmsMessage, SmsProvider } from '../providers/provider.js'

/** A provider with what this worker has seen of it. */
export interface Lane {
  readonly provider: SmsProvider
  /** How long its last accepted call took: what a decoy has to look like. */
  readonly lastAcceptMs: () => number
  /** Whether its last call, not long ago, left the message unsent or unknown: a decoy then waits as a live message does. */
  readonly ailing: () => boolean
  send(message: SmsMessage): Promise<{ outcome: SendOutcome; tookMs: number }>
}

export type ObserveOutcome = (provider: string, outcome: SendOutcome['outcome']) => void

/** Before the first message a carrier is assumed to take this long. */
const typicalMs = 150
/** What was seen longer ago says nothing of now. */
const ailingMs = 60_000

export function createLane(provider: SmsProvider, observe: ObserveOutcome): Lane {
  let lastAcceptMs = provider.endsAs === undefined ? typicalMs : 1
  let failedAt = Number.NEGATIVE_INFINITY
  return {
    provider,
    lastAcceptMs: () => lastAcceptMs,
    ailing: () => performance.now() - failedAt < ailingMs,
    async send(message) {
      const start = performance.now()
      const outcome = await provider.send(message).catch((): SendOutcome => ({ outcome: 'unknown' }))
      const tookMs = Math.round(performance.now() - start)
      if (outcome.outcome === 'accepted') lastAcceptMs = tookMs
      const failed = outcome.outcome === 'not_sent' || outcome.outcome === 'unknown'
      failedAt = failed ? performance.now() : Number.NEGATIVE_INFINITY
      observe(provider.name, outcome.outcome)
      return { outcome, tookMs }
    },
  }
}
