import type { SmsProvider } from './provider.js'

/** For an installation without a carrier: what still comes through the queue is written down as failed, at once and for good. */
export function createNone(): SmsProvider {
  return {
    name: 'none',
    timeoutMs: 1_000,
    send: async () => ({
      outcome: 'not_sent',
      reason: 'carrier_failed',
      carrierCode: 'no-carrier',
      permanent: true,
    }),
  }
}
