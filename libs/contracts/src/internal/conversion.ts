import { Type } from 'typebox'
import { Conversion, Day } from '../admin/conversion.js'
import { endpoint } from '../endpoint.js'
import { Strict } from '../v1/shapes.js'
import { By, byFails } from './admins.js'

export const readConversion = endpoint({
  method: 'POST',
  path: '/internal/conversion',
  summary: 'Sent, delivered, verified and paid, by carrier, country and day (UTC), the last day included',
  body: Strict({ by: By, from: Type.Optional(Day), to: Type.Optional(Day) }),
  replies: { 200: Type.Object({ rows: Type.Array(Conversion) }) },
  fails: byFails,
})
