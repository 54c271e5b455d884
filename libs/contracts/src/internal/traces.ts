import { type Static, Type } from 'typebox'
import { Email } from '../address.js'
import { Story } from '../admin/messages.js'
import { endpoint } from '../endpoint.js'
import { E164 } from '../phone.js'
import { ChallengeId, Strict } from '../v1/shapes.js'
import { By, byFails } from './admins.js'

/** What a trace is asked about. */
export const TraceSubject = Type.Union([
  Strict({ phone: E164 }),
  Strict({ email: Email }),
  Strict({ challenge: ChallengeId }),
  Strict({ message: Type.String({ format: 'uuid' }) }),
])
export type TraceSubject = Static<typeof TraceSubject>

export const readTrace = endpoint({
  method: 'POST',
  path: '/internal/traces',
  summary:
    'What became of the codes for a phone or an e-mail, of a challenge or a message, newest first; the look is audited',
  body: Strict({ by: By, about: TraceSubject }),
  replies: { 200: Type.Object({ stories: Type.Array(Story) }) },
  fails: byFails,
})
