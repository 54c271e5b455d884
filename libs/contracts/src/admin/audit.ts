import { type Static, Type } from 'typebox'
import { endpoint } from '../endpoint.js'
import { Strict, Timestamp } from '../v1/shapes.js'

/** How every call of operators may be refused, whatever it is about. */
export const adminFails = ['request.invalid', 'token.invalid', 'forbidden', 'rate.limited', 'unavailable'] as const

/** A whole number in a query, where everything is text. */
export const QueryNumber = Type.String({ pattern: '^[1-9]\\d{0,14}$', examples: ['50'] })

/** One act of an operator, as it was written down with its effect. */
export const AuditEntry = Type.Object({
  id: Type.Integer({ description: 'Counts up; newer ones are greater.' }),
  at: Timestamp,
  actor: Type.String({
    description: '`admin:<account id>`, or `cli:<user of the operating system>` for a command.',
    examples: ['admin:0198c3f2-7b1e-7c3a-9f10-3c5f7f0a2b11'],
  }),
  action: Type.String({ examples: ['admin.create'] }),
  target: Type.Union([Type.String(), Type.Null()], { description: 'What it was done to: an id or a keyed hash.' }),
  why: Type.Union([Type.String(), Type.Null()]),
  detail: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])),
})
export type AuditEntry = Static<typeof AuditEntry>

export const listAudit = endpoint({
  method: 'GET',
  path: '/admin/audit',
  summary: 'What operators did, newest first',
  bearer: true,
  query: Strict({
    before: Type.Optional({ ...QueryNumber, description: 'Only entries with a smaller id: the next page.' }),
    limit: Type.Optional(Type.String({ pattern: '^(?:[1-9]\\d?|[12]\\d\\d)$', description: '50 where not given.' })),
  }),
  replies: { 200: Type.Object({ entries: Type.Array(AuditEntry) }) },
  fails: adminFails,
})
