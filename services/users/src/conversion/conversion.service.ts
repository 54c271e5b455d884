import type { Conversion } from '@latchkey/contracts/admin/conversion'
import type { SmsPrice } from '@latchkey/contracts/sms-prices'
import { invalidField } from '@latchkey/kit/app-error'
import type { Db, Trx } from '../database.js'
import * as conversion from './conversion.repository.js'

/** What messages lead to and what they cost: of days that are long over as it was written down, of the others as the log says it. */
export interface Conversions {
  /** By days of UTC, the last one included; the last seven where none are named. Throws `request.invalid` for more than 31. */
  read(days: { from?: string | undefined; to?: string | undefined }): Promise<Conversion[]>
  /** Has the day of a message counted again, where what is written about it in this transaction came after it may have been. */
  noteLate(trx: Trx, message: { id: string; oldest: Date | undefined }): Promise<void>
  /** Whether every day up to this one is written down: its log is not needed for it any more. */
  isWrittenUpTo(day: Date): Promise<boolean>
  /** Writes down what the days came to that are settled, the latest first; says how many. */
  writeDays(): Promise<number>
}

interface ConversionsNeeds {
  readonly db: Db
  /** Of the same database, for what takes longer than a request may. */
  readonly patientDb: Db
  readonly prices: readonly SmsPrice[]
  /** How long the delivery log is kept. */
  readonly logDays: number
  readonly now: () => Date
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const mostDays = 31
const usualDays = 7
/** Days counted side by side. Each is a statement of its own, with all the time that one is given: a month takes no more of it than its busiest day. */
const atOnce = 3
/** A challenge lives for eleven hours at most, with all its resends: by then every code of a day was answered or is over. */
const settledAfterMs = dayMs
/** Of what is younger, no day is settled that a message of its challenge was taken on. */
const lateMs = settledAfterMs / 2
/** The fence forgets answers after 90 days, and the log its messages: a day that is counted again must have all of its own. */
const countedAgainDays = 60
/** Days one sweep writes down: an installation that has none yet has its others swept in between. */
const mostWritten = 31

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10)

export function createConversions({ db, patientDb, prices, logDays, now }: ConversionsNeeds): Conversions {
  const firstCountedAgain = () => dayOf(now().getTime() - Math.min(countedAgainDays, logDays - 2) * dayMs)
  const countDay = (day: string) => conversion.countConversion(db, { ...spanOf(day), prices })

  async function writeDay(): Promise<boolean> {
    const at = now()
    const [last, again] = [dayOf(at.getTime() - dayMs - settledAfterMs), firstCountedAgain()]
    return patientDb.transaction().execute(async (trx) => {
      if (!(await conversion.isWriter(trx))) return false
      const day = await conversion.findUnwritten(trx, { last, again })
      if (day === undefined) return false
      await conversion.writeDay(trx, { day, ...spanOf(day), at })
      return true
    })
  }

  return {
    async read({ to = dayOf(now().getTime()), from = dayOf(Date.parse(to) - (usualDays - 1) * dayMs) }) {
      const [first, end] = [Date.parse(from), Date.parse(to) + dayMs]
      if (first >= end) throw invalidField('/from', 'must not be later than `to`')
      if (end - first > mostDays * dayMs) throw invalidField('/from', `must be at most ${mostDays} days before \`to\``)
      const written = await conversion.findWritten(db, { from, to })
      const days = Array.from({ length: (end - first) / dayMs }, (_, n) => dayOf(first + n * dayMs))
      const others = days.filter((day) => !written.includes(day))
      const rows = written.length === 0 ? [] : await conversion.readConversion(db, { days: written, prices })
      while (others.length > 0) rows.push(...(await Promise.all(others.splice(0, atOnce).map(countDay))).flat())
      return days.flatMap((day) => rows.filter((row) => row.day === day)).map(shown)
    },
    async noteLate(trx, { id, oldest }) {
      if (oldest === undefined || now().getTime() - oldest.getTime() < lateMs) return
      await conversion.insertLate(trx, id)
    },
    async isWrittenUpTo(day) {
      const last = dayOf(day.getTime())
      return (await conversion.findUnwritten(db, { last, again: 'infinity' })) === undefined
    },
    async writeDays() {
      let written = 0
      while (written < mostWritten && (await writeDay())) written += 1
      await conversion.dropLate(patientDb, firstCountedAgain())
      return written
    },
  }
}

const spanOf = (day: string) => ({ from: new Date(day), to: new Date(Date.parse(day) + dayMs) })

const shown = ({ median_seconds: median, cost_per_verified: costPerVerified, ...row }: conversion.Counted) => ({
  ...row,
  medianSeconds: median === null ? null : Math.round(median * 10) / 10,
  costPerVerified,
})
