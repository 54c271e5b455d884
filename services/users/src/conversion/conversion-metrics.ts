import type { Conversion } from '@latchkey/contracts/admin/conversion'
import { Gauge, type Registry } from 'prom-client'
import type { Conversions } from './conversion.service.js'

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
  const gauge = <L extends string>(about: { name: string; help: string; labelNames: readonly L[] }) =>
    new Gauge({ ...about, registers: [registry], collect: refresh })
  const sent = gauge({
    name: 'latchkey_today_sms_sent',
    help: 'Messages that carriers took today (UTC)',
    labelNames: ['provider', 'country'],
  })
  const delivered = gauge({
    name: 'latchkey_today_sms_delivered',
    help: 'Messages taken today that arrived',
    labelNames: ['provider', 'country'],
  })
  const verified = gauge({
    name: 'latchkey_today_sms_verified',
    help: 'Codes answered rightly, of messages taken today',
    labelNames: ['provider', 'country'],
  })
  const seconds = gauge({
    name: 'latchkey_today_sms_median_seconds_to_verified',
    help: 'From the carrier’s yes to the right answer, today',
    labelNames: ['provider', 'country'],
  })
  const cost = gauge({
    name: 'latchkey_today_sms_cost',
    help: 'What the messages of today cost, by receipts or SMS_PRICES',
    labelNames: ['provider', 'country', 'currency'],
  })

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
