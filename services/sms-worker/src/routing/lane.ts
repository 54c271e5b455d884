import type { SendOutcome, SmsMessage, SmsProvider } from '../providers/provider.js'

/** A provider with what this worker has seen of it. */
export interface Lane {
  readonly provider: SmsProvider
  /** How long its last accepted call took: what a decoy has to look like. */
  readonly lastAcceptMs: () => number
  send(message: SmsMessage): Promise<{ outcome: SendOutcome; tookMs: number }>
}

export type ObserveOutcome = (provider: string, outcome: SendOutcome['outcome']) => void

/** Before the first message a carrier is assumed to take this long. */
const typicalMs = 150

export function createLane(provider: SmsProvider, observe: ObserveOutcome): Lane {
  let lastAcceptMs = provider.endsAs === undefined ? typicalMs : 1
  return {
    provider,
    lastAcceptMs: () => lastAcceptMs,
    async send(message) {
      const start = performance.now()
      const outcome = await provider.send(message).catch((): SendOutcome => ({ outcome: 'unknown' }))
      const tookMs = Math.round(performance.now() - start)
      if (outcome.outcome === 'accepted') lastAcceptMs = tookMs
      observe(provider.name, outcome.outcome)
      return { outcome, tookMs }
    },
  }
}
