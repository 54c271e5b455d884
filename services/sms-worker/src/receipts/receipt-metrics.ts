import { receiptStates } from '@latchkey/contracts/queues/delivery-event'
import { Counter, type Registry } from 'prom-client'
import { unbelieved } from '../providers/provider-calls.js'

export interface ReceiptMetrics {
  readonly observeReceipt: (provider: string, state: string) => void
  readonly observeInbound: (provider: string, word: string) => void
  readonly observeRefused: (provider: string, why: string) => void
}

/** The figures of what carriers call us with; of those that are listened to they begin with 0, so that an alarm sees who says nothing. */
export function createReceiptMetrics(registry: Registry, listened: readonly string[]): ReceiptMetrics {
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
  for (const provider of listened) {
    for (const state of receiptStates) receipts.inc({ provider, state }, 0)
    for (const why of unbelieved) refused.inc({ provider, why }, 0)
  }
  return {
    observeReceipt: (provider, state) => receipts.inc({ provider, state }),
    observeInbound: (provider, word) => inbound.inc({ provider, word }),
    observeRefused: (provider, why) => refused.inc({ provider, why }),
  }
}
