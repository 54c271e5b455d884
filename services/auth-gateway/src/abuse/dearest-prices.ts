import type { SmsPrice } from '@latchkey/contracts/sms-prices'

/** What a message is reckoned to cost before a carrier is chosen: in millionths, whole numbers, so that a million of them add up. */
export interface DearestPrices {
  /** ISO 4217. */
  readonly currency: string
  /** What the dearest carrier takes for a message to a country. */
  micros(country: string): number
}

/** Throws where the prices have several currencies, or none is for all other countries. */
export function dearestPrices(prices: readonly SmsPrice[]): DearestPrices {
  const [currency, another] = new Set(prices.map((price) => price.currency))
  if (another !== undefined) throw new Error(`a budget is in one currency, and it has ${currency} and ${another}`)
  const everywhere = prices.filter(({ country }) => country === '*')
  if (currency === undefined || everywhere.length === 0) throw new Error('it has no price for `*`, all other countries')
  return {
    currency,
    micros(country) {
      const own = prices.filter((price) => price.country === country)
      // A carrier's price for the country stands in the place of the one it has for all others.
      const others = everywhere.filter(({ provider }) => !own.some((price) => price.provider === provider))
      return Math.max(...[...own, ...others].map(({ price }) => toMicros(price)))
    },
  }
}

/** `0.0026` → 2600. Rounded: 0.0026 × 1,000,000 is not a whole number in binary. */
export const toMicros = (amount: string): number => Math.round(Number(amount) * 1_000_000)
