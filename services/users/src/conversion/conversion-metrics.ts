import type { Conversion } from '@latchkey/contracts/admin/conversion'
import { Gauge, type Registry } from 'prom-client'
import type { Conversions } from './conversion.service.js'

const labels = ['provider', 'country'] as const
const everyMs = 30_000

/** Figures of today (UTC) by carrier and country, counted at most every half minute. Every replica tells the same; absent while Postgres is away. */
export function createConversionMetrics(registry: Registry, conversions: Conversions, now: () => Date): void {
  let counting: Promise<void> | undefined
  let countedAt = 0

  /** Asked by every gauge in turn; the first counts for all. */
  async function refresh(): Promise<void> {
    if (counting === undefined && Date.now() - countedAt > everyMs) {
      const day = now().toISOString().slice(0, 10)
      counting = conversions
        .read({ from: day, to: day })
        .then(show, () => show([]))
        .finally(() => {
          countedAt = Date.now()
          counting = undefined
        })
    }
    await counting
  }
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `latchkey_today_${name}`, help, labelNames, registers: [registry], collect: refresh })
  const sent = gauge('sms_sent', 'Messages that carriers took today (UTC)', labels)
  const delivered = gauge('sms_delivered', 'Messages taken today that arrived', labels)
  const verified = gauge('sms_verified', 'Codes answered rightly, of messages taken today', labels)
  const seconds = gauge('sms_median_seconds_to_verified', 'From the carrier’s yes to the right answer, today', labels)
  const cost = gauge('sms_cost', 'What the messages of today cost, by receipts or SMS_PRICES', [...labels, 'currency'])

  function show(rows: readonly Conversion[]): void {
    for (const one of [sent, delivered, verified, seconds, cost]) one.reset()
    for (const { provider, country, ...row } of rows) {
      const of = { provider, country }
      sent.set(of, row.sent)
      delivered.set(of, row.delivered)
      verified.set(of, row.verified)
      if (row.medianSeconds !== null) seconds.set(of, row.medianSeconds)
      for (const [currency, amount] of Object.entries(row.cost)) cost.set({ ...of, currency }, Number(amount))
    }
  }
}
