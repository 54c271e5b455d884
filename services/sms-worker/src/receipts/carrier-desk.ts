import {
  type deliveryEventQueue,
  type OptOutChange,
  optOutJobId,
  type Receipt,
  receiptJobId,
} from '@latchkey/contracts/queues/delivery-event'
import type { Producer } from '@latchkey/kit/queue'
import type { OptOuts } from '../opt-outs/opt-outs.js'
import type { CallReader, CarrierCall, Unbelieved } from '../providers/provider-calls.js'
import type { ReceiptMetrics } from './receipt-metrics.js'

/** What is answered to a carrier whose call was believed. */
export interface Answer {
  readonly type: string
  readonly body: string
}

/** Takes what carriers call us with. Throws `unavailable` where it cannot be kept: the carrier has to come again. */
export interface CarrierDesk {
  knows(provider: string): boolean
  receipt(provider: string, call: CarrierCall): Promise<Unbelieved | 'taken'>
  inbound(provider: string, call: CarrierCall): Promise<Unbelieved | Answer>
}

interface DeskNeeds extends ReceiptMetrics {
  readonly readers: ReadonlyMap<string, CallReader>
  readonly events: Pick<Producer<typeof deliveryEventQueue.payload>, 'add'>
  readonly optOuts: Pick<OptOuts, 'nameOf'>
  /** What a carrier means by a code. */
  readonly explain: (provider: string, code: string) => string | undefined
  /** What a person is told who asks for help. */
  readonly help: string
}

/** Nothing is decided here: what is believed goes on the queue of delivery events, without any number, and users makes of it what it means. */
export function createCarrierDesk(needs: DeskNeeds): CarrierDesk {
  const { readers, events, optOuts, explain, help, observeReceipt, observeInbound, observeRefused } = needs
  const now = () => new Date().toISOString()

  async function optOut(change: Omit<OptOutChange, 'v' | 'kind' | 'at'>): Promise<void> {
    const event: OptOutChange = { v: 2, kind: 'opt_out', ...change, at: now() }
    await events.add(optOutJobId(event), event)
  }
  const readerOf = (provider: string): CallReader => {
    const reader = readers.get(provider)
    if (reader === undefined) throw new Error(`nothing is read of ${provider}`)
    return reader
  }

  return {
    knows: (provider) => readers.has(provider),
    async receipt(provider, call) {
      const read = readerOf(provider).receipt(call)
      if (typeof read === 'string') {
        observeRefused(provider, read)
        return read
      }
      const { optedOut, ...said } = read
      const v = said.messageId === undefined ? 3 : 2
      const says = said.carrierCode === undefined ? undefined : explain(provider, said.carrierCode)
      const event: Receipt = {
        v,
        kind: 'receipt',
        provider,
        ...said,
        ...(says !== undefined && { says }),
        at: now(),
      }
      if (optedOut !== undefined)
        await optOut({
          number: optOuts.nameOf(optedOut),
          word: 'refused',
          provider,
          source: said.providerMessageId,
        })
      await events.add(receiptJobId(event), event)
      observeReceipt(provider, said.state)
      return 'taken'
    },
    async inbound(provider, call) {
      const reader = readerOf(provider)
      const read = reader.inbound(call)
      if (typeof read === 'string') {
        observeRefused(provider, read)
        return read
      }
      const { providerMessageId: source, from, word } = read
      if (word === 'stop' || word === 'start') await optOut({ number: optOuts.nameOf(from), word, provider, source })
      observeInbound(provider, word)
      // That STOP and START were heard the carrier itself confirms.
      return reader.reply(word === 'help' ? help : undefined)
    },
  }
}
