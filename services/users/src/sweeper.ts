import type { Logger } from 'pino'

/** What is done away with now and then, by name; each says how many rows it touched. */
export type Sweeps = Readonly<Record<string, () => Promise<number>>>

/** Sweeps now and then; every replica may do it. Ends with the sweep that is under way. */
export function startSweeper({ sweeps, log, everyMs = 60_000 }: { sweeps: Sweeps; log: Logger; everyMs?: number }): {
  close(): Promise<void>
} {
  let sweeping: Promise<void> | undefined
  async function sweep(): Promise<void> {
    for (const [name, run] of Object.entries(sweeps)) {
      try {
        const swept = await run()
        if (swept > 0) log.info({ sweep: name, swept }, 'swept')
      } catch (err) {
        log.warn({ err, sweep: name }, 'not swept')
      }
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
