import type { Conversion } from '@latchkey/contracts/admin/conversion'
import type { SmsPrice } from '@latchkey/contracts/sms-prices'
import { invalidField } from '@latchkey/kit/app-error'
import type { Db } from '../database.js'
import { type Counted, countConversion } from './conversion.repository.js'

/** What messages lead to and what they cost, counted anew from the delivery log and the answers each time it is asked. */
export interface Conversions {
  /** By days of UTC, the last one included; the last seven where none are named. Throws `request.invalid` for more than 31. */
  read(days: { from?: string | undefined; to?: string | undefined }): Promise<Conversion[]>
}

interface ConversionsNeeds {
  readonly db: Db
  readonly prices: readonly SmsPrice[]
  readonly now: () => Date
}

const dayMs = 24 * 3_600_000
const mostDays = 31
const usualDays = 7
/** Days counted side by side. Each is a statement of its own, with all the time that one is given: a month takes no more of it than its busiest day. */
const atOnce = 3

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

export function createConversions({ db, prices, now }: ConversionsNeeds): Conversions {
  const countDay = (day: number) => countConversion(db, { from: new Date(day), to: new Date(day + dayMs), prices })

  return {
    async read({ to = dayOf(now().getTime()), from = dayOf(Date.parse(to) - (usualDays - 1) * dayMs) }) {
      const [first, end] = [Date.parse(from), Date.parse(to) + dayMs]
      if (first >= end) throw invalidField('/from', 'must not be later than `to`')
      if (end - first > mostDays * dayMs) throw invalidField('/from', `must be at most ${mostDays} days before \`to\``)
      const days = Array.from({ length: (end - first) / dayMs }, (_, n) => first + n * dayMs)
      const rows: Counted[] = []
      while (days.length > 0) rows.push(...(await Promise.all(days.splice(0, atOnce).map(countDay))).flat())
      return rows.map(({ median_seconds: median, cost_per_verified: costPerVerified, ...row }) => ({
        ...row,
        medianSeconds: median === null ? null : Math.round(median * 10) / 10,
        costPerVerified,
      }))
    },
  }
}
