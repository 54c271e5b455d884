import { type Static, Type } from 'typebox'
import { Email } from './address.js'

/** A mail that development keeps: a Redis list of sealed entries, newest first. Never written in production. */
export const MailboxEntry = Type.Object({
  to: Email,
  subject: Type.String(),
  body: Type.String(),
  at: Type.String({ format: 'date-time' }),
})
export type MailboxEntry = Static<typeof MailboxEntry>

export const mailboxKey = 'lk:mailbox'
export const mailboxContext = 'mailbox'
/** Entries kept, and how long the list outlives its last mail. */
export const mailboxLength = 200
export const mailboxLifeSeconds = 3_600
