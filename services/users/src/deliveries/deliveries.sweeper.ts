import type { Logger } from 'pino'
import type { Deliveries } from './deliveries.service.js'

/** Sweeps the delivery log now and then; every replica may do it. Ends with the sweep that is under way. */
export function startSweeper({
  deliveries,
  log,
  everyMs = 60_000,
}: {
  deliveries: Deliveries
  log: Logger
  everyMs?: number
}): { close(): Promise<void> } {
  let sweeping: Promise<void> | undefined
  async function sweep(): Promise<void> {
    try {
      const closed = await deliveries.sweep()
      if (closed > 0) log.info({ closed }, 'messages nobody heard of again were closed')
    } catch (err) {
      log.warn({ err }, 'the delivery log was not swept')
    }
  }
  const timer = setInterval(() => {
    sweeping ??= sweep().finally(() => (sweeping = undefined))
  }, everyMs)
  timer.unref()
  return {
    close: async () => {
      clearInterval(timer)
      await sweeping
    },
  }
}
