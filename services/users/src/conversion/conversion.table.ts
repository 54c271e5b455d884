import type { ColumnType, GeneratedAlways } from 'kysely'

type Fixed<T> = ColumnType<T, T, never>

/** What messages of one carrier to one country came to that it took on one day of UTC. */
export interface ConversionDayTable {
  day: Fixed<string>
  provider: Fixed<string>
  country: Fixed<string>
  sent: Fixed<number>
  delivered: Fixed<number>
  undelivered: Fixed<number>
  verified: Fixed<number>
  median_seconds: Fixed<number | null>
  /** What receipts said, by currency, as decimal text: it is money. */
  told_cost: Fixed<Record<string, string>>
  /** Messages with a price in no currency. */
  without_currency: Fixed<number>
  /** Messages of which no receipt told a price, and their segments: the table of prices is for these. */
  untold: Fixed<number>
  untold_segments: Fixed<number>
}

/** A day that was written down, whether or not anything was sent on it. */
export interface ConversionWrittenTable {
  day: Fixed<string>
  at: Date
}

/** Something was heard of this day, too late for what stands there. */
export interface ConversionLateTable {
  id: GeneratedAlways<string>
  day: Fixed<string>
}
