import { type Static, Type } from 'typebox'
import { Email } from '../address.js'
import { Story } from '../admin/messages.js'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { Strict } from '../v1/shapes.js'
import { Operator, Why } from './admins.js'

/** Whose data it is: the owner of a phone or of a proved e-mail, or one account. */
export const DataSubject = Type.Union([
  Strict({ phone: E164 }),
  Strict({ email: Email }),
  Strict({ id: Type.String({ format: 'uuid' }) }),
])
export type DataSubject = Static<typeof DataSubject>

const Row = Type.Record(Type.String(), Type.Unknown())

/** All that is kept about one person, for himself. No hash, no key, nothing that opens anything. */
export const OwnData = Type.Object({
  /** His account, and that there are registrations which claim his phone or e-mail: what else they say may be of somebody else. */
  accounts: Type.Array(Row),
  sessions: Type.Array(Row),
  devices: Type.Array(Row),
  /** What a change can still be taken back to. */
  undos: Type.Array(Row),
  /** What became of his codes, as far as it is kept. */
  codes: Type.Array(Story),
})
export type OwnData = Static<typeof OwnData>

const body = Strict({ by: Operator, whose: DataSubject, why: Why })

export const exportData = endpoint({
  method: 'POST',
  path: '/internal/own-data/export',
  summary: 'Everything that is kept about one person; who asked stands in the audit',
  body,
  replies: { 200: OwnData },
  fails: ['request.invalid', 'unavailable'],
})

export const eraseData = endpoint({
  method: 'POST',
  path: '/internal/own-data/erase',
  summary: 'Delete one person: account, registrations, sessions, trace; that it was done stands in the audit',
  body,
  replies: {
    200: Type.Object({
      accounts: Type.Integer(),
      registrations: Type.Integer(),
      notes: Type.Integer({ description: 'Of the trace.' }),
    }),
  },
  fails: ['request.invalid', 'unavailable'],
})
