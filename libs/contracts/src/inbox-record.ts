import { type Static, Type } from 'typebox'
import { SandboxLane } from './dev/carriers.js'
import { E164 } from './phone.js'

/** A message in the development inbox: a Redis list of sealed entries, newest first. Never written in production. */
export const InboxEntry = Type.Object({
  /** As the carrier of development names it. */
  id: Type.String(),
  lane: SandboxLane,
  to: E164,
  body: Type.String(),
  at: Type.String({ format: 'date-time' }),
})
export type InboxEntry = Static<typeof InboxEntry>

export const inboxKey = 'lk:inbox'
export const inboxContext = 'inbox'
/** Entries kept, and how long the list outlives its last message. */
export const inboxLength = 200
export const inboxLifeSeconds = 3_600
