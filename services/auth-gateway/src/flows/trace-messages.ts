import type { Story } from '@latchkey/contracts/admin/messages'
import { Email } from '@latchkey/contracts/address'
import type { TraceSubject } from '@latchkey/contracts/internal/traces'
import { E164 } from '@latchkey/contracts/phone'
import { ChallengeId } from '@latchkey/contracts/v1/shapes'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import { Value } from 'typebox/value'
import type { SignedInCaller, Users } from './ports.js'

export type TraceMessages = (
  asked: {
    readonly phone?: string
    readonly email?: string
    readonly challenge?: string
    readonly message?: string
  },
  caller: SignedInCaller,
) => Promise<Story[]>

/** Why a number or an e-mail got its code, or none. Throws `request.invalid` unless exactly one thing is asked about, `forbidden` for whoever is no admin. */
export function createTraceMessages({ users }: { users: Pick<Users, 'readTrace'> }): TraceMessages {
  return async function traceMessages(asked, caller) {
    const about = readSubject(asked)
    return (await users.readTrace({ by: { sessionId: caller.sessionId }, about }, caller)).stories
  }
}

function readSubject(asked: Parameters<TraceMessages>[0]): TraceSubject {
  const [named, ...more] = Object.entries(asked)
  if (named === undefined || more.length > 0)
    throw new AppError('request.invalid', { detail: 'Ask about one of `phone`, `email`, `challenge` and `message`.' })
  const [kind, text] = named as [keyof typeof asked, string]
  switch (kind) {
    case 'phone':
      return { phone: readPhone(text) }
    case 'email':
      return { email: readEmail(text) }
    case 'challenge':
      if (!Value.Check(ChallengeId, text)) throw invalidField('/querystring/challenge', 'must be the id of a challenge')
      return { challenge: text }
    case 'message':
      if (!uuid.test(text)) throw invalidField('/querystring/message', 'must be the id of a message')
      return { message: text }
  }
}

const uuid = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/

function readEmail(text: string): Email {
  const email = text.trim().toLowerCase()
  if (!Value.Check(Email, email)) throw invalidField('/querystring/email', 'must be an e-mail address')
  return email
}

/** Looser than where codes are sent: it is asked about numbers that were refused as well. An unescaped `+` comes as a space. */
function readPhone(text: string): E164 {
  const digits = text.replace(/[\s().+-]/g, '').replace(/^00/, '')
  const phone = `+${digits}`
  if (!Value.Check(E164, phone))
    throw invalidField('/querystring/phone', 'must be a phone number with its country code')
  return phone
}
