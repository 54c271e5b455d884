/** What messages cost, as operators write it: the currency, then a price a country; `*` is every other: `USD,IN=0.0026,*=0.06`. */
export const smsPricesPattern = '^[A-Z]{3}(,([A-Z]{2}|\\*)=\\d{1,4}(\\.\\d{1,6})?)+$'
/** An amount of money, as operators write it. */
export const moneyPattern = '^\\d{1,9}(\\.\\d{1,6})?$'

/** Amounts are millionths of the currency: whole numbers, so that a million of them add up. */
export interface SmsPrices {
  /** ISO 4217. */
  readonly currency: string
  /** What a message to a country (ISO 3166-1 alpha-2) costs; that of `*` where it is not named. */
  micros(country: string): number
}

/** Reads a table of prices. Throws where it is malformed, says two prices of one country, or none of `*`. */
export function parseSmsPrices(text: string): SmsPrices {
  if (!new RegExp(smsPricesPattern).test(text)) throw new Error('it must be like USD,IN=0.0026,*=0.06')
  const [currency = '', ...rows] = text.split(',')
  const prices = new Map(
    rows.map((row) => {
      const [country = '', price = ''] = row.split('=', 2)
      return [country, toMicros(price)]
    }),
  )
  if (prices.size < rows.length) throw new Error('it says two prices of one country')
  const other = prices.get('*')
  if (other === undefined) throw new Error('it has no price for `*`, all other countries')
  return { currency, micros: (country) => prices.get(country) ?? other }
}

/** `0.0026` → 2600. Rounded: 0.0026 × 1,000,000 is not a whole number in binary. */
export const toMicros = (amount: string): number => Math.round(Number(amount) * 1_000_000)
