import { type Static, Type } from 'typebox'
import { AuditEntry } from '../admin/audit.js'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { Strict, Timestamp } from '../v1/shapes.js'

/** Who runs a command, by his name on the operating system: whoever has the internal secret may say so. */
export const Operator = Strict({ operator: Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$' }) })
export type Operator = Static<typeof Operator>

/**
 * Who asks for what only operators may do: an operator's command, or the session behind a token, whose account must have the role
 * `admin` at this very moment. users asks that in the call itself: there is nothing to remember and nothing to outlive a revocation.
 */
export const By = Type.Union([Operator, Strict({ sessionId: Type.String({ format: 'uuid' }) })])
export type By = Static<typeof By>

/** Refusals of every call that takes `By`. `forbidden` is for accounts that are no admins. */
export const byFails = ['request.invalid', 'token.invalid', 'forbidden', 'unavailable'] as const

/** What an operator says of his reasons; kept with what he did. */
export const Why = Type.Optional(Type.String({ minLength: 1, maxLength: 300 }))

/** An account that may do what operators do. */
export const Admin = Type.Object({
  id: Type.String({ format: 'uuid' }),
  /** The last two digits: enough to know one's own. */
  phone: Type.Union([Type.String(), Type.Null()]),
  name: Type.Union([Type.String(), Type.Null()]),
  since: Type.Union([Timestamp, Type.Null()]),
})
export type Admin = Static<typeof Admin>

export const createAdmin = endpoint({
  method: 'POST',
  path: '/internal/admins',
  summary: 'Give the account of a proved phone the role `admin`; `changed` is false where it had it',
  body: Strict({ by: Operator, phone: E164, why: Why }),
  replies: { 200: Type.Object({ admin: Admin, changed: Type.Boolean() }) },
  fails: ['request.invalid', 'not.found', 'account.disabled', 'unavailable'],
})

export const listAdmins = endpoint({
  method: 'POST',
  path: '/internal/admins/list',
  summary: 'All accounts with the role `admin`',
  body: Strict({ by: Operator }),
  replies: { 200: Type.Object({ admins: Type.Array(Admin) }) },
  fails: ['request.invalid', 'unavailable'],
})

export const revokeAdmin = endpoint({
  method: 'POST',
  path: '/internal/admins/revoke',
  summary: 'Take the role `admin` away: the account gets back the role it had. Holds for the very next call',
  body: Strict({
    by: Operator,
    admin: Type.Union([Strict({ phone: E164 }), Strict({ id: Type.String({ format: 'uuid' }) })]),
    why: Why,
  }),
  replies: { 200: Type.Object({ admin: Admin }) },
  fails: ['request.invalid', 'not.found', 'unavailable'],
})

export const readAudit = endpoint({
  method: 'POST',
  path: '/internal/audit',
  summary: 'What operators did, newest first',
  body: Strict({
    by: By,
    before: Type.Optional(Type.Integer({ minimum: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 299 })),
  }),
  replies: { 200: Type.Object({ entries: Type.Array(AuditEntry) }) },
  fails: byFails,
})
