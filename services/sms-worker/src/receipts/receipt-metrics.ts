import { Counter, type Registry } from 'prom-client'

export interface ReceiptMetrics {
  readonly observeReceipt: (provider: string, state: string) => void
  readonly observeInbound: (provider: string, word: string) => void
  readonly observeRefused: (provider: string, why: string) => void
}

/** The figures of what carriers call us with. */
export function createReceiptMetrics(registry: Registry): ReceiptMetrics {
  const registers = [registry]
  const receipts = new Counter({
    name: 'latchkey_receipts_total',
    help: 'Receipts of carriers by what they say; those that are repeated count again',
    labelNames: ['provider', 'state'],
    registers,
  })
  const inbound = new Counter({
    name: 'latchkey_inbound_messages_total',
    help: 'Messages that people texted to us, by what they mean',
    labelNames: ['provider', 'word'],
    registers,
  })
  const refused = new Counter({
    name: 'latchkey_carrier_calls_refused_total',
    help: 'Calls in the name of a carrier that were not believed: forged, or signed and not readable',
    labelNames: ['provider', 'why'],
    registers,
  })
  return {
    observeReceipt: (provider, state) => receipts.inc({ provider, state }),
    observeInbound: (provider, word) => inbound.inc({ provider, word }),
    observeRefused: (provider, why) => refused.inc({ provider, why }),
  }
}
