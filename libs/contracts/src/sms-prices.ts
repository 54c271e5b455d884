/** What a carrier takes for a message of one segment; `*` stands for every country without a price of its own. */
export interface SmsPrice {
  readonly provider: string
  /** ISO 3166-1 alpha-2, or `*`. */
  readonly country: string
  /** Decimal text: it is money. */
  readonly price: string
  /** ISO 4217. */
  readonly currency: string
}

/** An amount of money, as operators write it. */
export const moneyPattern = '^\\d{1,9}(\\.\\d{1,6})?$'

const entry = /^([a-z][a-z0-9-]*)\s+(\*|[A-Z]{2})\s+(\d{1,4}(?:\.\d{1,6})?)\s+([A-Z]{3})$/

/** Reads `twilio IN 0.0079 USD; twilio * 0.05 USD`. Throws where an entry cannot be read, or a price stands twice. */
export function readSmsPrices(text: string): SmsPrice[] {
  const prices = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part, at): SmsPrice => {
      const [, provider = '', country = '', price = '', currency = ''] = entry.exec(part) ?? []
      if (provider === '') throw new Error(`entry ${at + 1} is not written like \`twilio IN 0.0079 USD\``)
      return { provider, country, price, currency }
    })
  const names = prices.map(({ provider, country }) => `${provider} ${country}`)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw new Error(`${twice} stands twice`)
  return prices
}
