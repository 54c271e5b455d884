import type { deliveryEventQueue } from '@latchkey/contracts/queues/delivery-event'
import type { Producer } from '@latchkey/kit/queue'
import type { Registry } from 'prom-client'
import { carriers, explain } from '../carriers.js'
import type { WorkerConfig } from '../config.js'
import { helpText } from '../messages/render.js'
import type { OptOuts } from '../opt-outs/opt-outs.js'
import { type CarrierDesk, createCarrierDesk } from './carrier-desk.js'
import { createReceiptMetrics } from './receipt-metrics.js'

interface DeskNeeds {
  readonly events: Producer<typeof deliveryEventQueue.payload>
  readonly optOuts: OptOuts
  readonly metrics: Registry
}

/** Only carriers that are used are listened to, and only where they can know our address. */
export function createDesk(config: WorkerConfig, { events, optOuts, metrics }: DeskNeeds): CarrierDesk {
  const { PUBLIC_WORKER_URL: publicUrl, told, providers } = config
  const readers = carriers.flatMap(({ name, reader }) => {
    const found = publicUrl === undefined || !providers.includes(name) ? undefined : reader?.(told, publicUrl)
    return found === undefined ? [] : [[name, found] as const]
  })
  const help = helpText({ brand: config.BRAND_NAME, languages: config.languages })
  return createCarrierDesk({
    readers: new Map(readers),
    events,
    optOuts,
    explain,
    help,
    ...createReceiptMetrics(
      metrics,
      readers.map(([name]) => name),
    ),
  })
}
