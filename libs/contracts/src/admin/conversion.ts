import { type Static, Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Strict } from '../v1/shapes.js'
import { adminFails } from './audit.js'

/** A day of UTC. */
export const Day = Type.String({ format: 'date', examples: ['2026-11-21'] })

/** Amounts by currency, as decimal text: it is money. */
const Money = Type.Record(Type.String({ pattern: '^[A-Z]{3}$' }), Type.String({ pattern: '^\\d+\\.\\d{6}$' }))

/** How the messages of one carrier to one country fared that it took on one day. */
export const Conversion = Type.Object({
  day: Day,
  provider: Type.String({ examples: ['twilio'] }),
  country: Type.String({ examples: ['IN'] }),
  sent: Type.Integer({ description: 'Messages that the carrier took.' }),
  delivered: Type.Integer({ description: 'Of these, those it says arrived.' }),
  undelivered: Type.Integer({ description: 'Of these, those it says did not.' }),
  verified: Type.Integer({ description: 'Codes that were answered rightly, each counted for one message.' }),
  medianSeconds: Type.Union([Type.Number(), Type.Null()], {
    description: 'From the carrier’s yes to the right answer.',
  }),
  cost: { ...Money, description: 'By receipts, else by SMS_PRICES.' },
  costPerVerified: Money,
  unpriced: Type.Integer({ description: 'Messages whose price nobody told.' }),
})
export type Conversion = Static<typeof Conversion>

export const listConversion = endpoint({
  method: 'GET',
  path: '/admin/conversion',
  summary:
    'Sent, delivered, verified and paid, by carrier, country and day (UTC); a week where no days are named, 31 at most',
  bearer: true,
  query: Strict({ from: Type.Optional(Day), to: Type.Optional(Day) }),
  replies: { 200: Type.Object({ rows: Type.Array(Conversion) }) },
  fails: adminFails,
})
