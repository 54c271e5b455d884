import type { ErrorCode } from '@latchkey/contracts/errors'
import type { AppError } from '@latchkey/kit/app-error'
import { secondsUntil, type Voice, type Wording } from '@latchkey/kit/voice'
import { type TSchema, Type } from 'typebox'
import type { FacePolicy } from '../../../flows/policy.js'

const message = Type.String()
const Message = Type.Object({ message })
const Invalid = Type.Object({
  message,
  errors: Type.Array(Type.Object({ field: Type.String(), message: Type.String() })),
})
const WrongCode = Type.Object({ message, attemptsLeft: Type.Integer() })
const TooSoon = Type.Object({ message, retryAfter: Type.Integer({ description: 'Seconds.' }) })

const says = (status: number, text: string): Wording => ({ status, schema: Message, body: () => ({ message: text }) })

const shaped = (status: number, schema: TSchema, body: (error: AppError) => object): Wording => ({
  status,
  schema,
  body,
})

/** Every refusal in the words of an Express app: `{message}`, and what the document adds to it. */
export const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: {
    'request.invalid': shaped(400, Invalid, ({ members: { errors = [], detail } }) => ({
      message: errors.length > 0 || detail === undefined ? 'Validation failed' : 'Invalid JSON in request body',
      errors: errors.map(fieldError),
    })),
    'password.weak': shaped(400, Invalid, ({ members: { reasons = [] } }) => ({
      message: 'Password is not strong enough',
      errors: reasons.map((reason) => ({ field: 'newPassword', message: reason })),
    })),
    'challenge.wrong': shaped(400, WrongCode, ({ members: { attemptsLeft = 0 } }) => ({
      message: 'Invalid or expired verification code',
      attemptsLeft,
    })),
    'challenge.gone': shaped(400, WrongCode, () => ({
      message: 'Invalid or expired verification code',
      attemptsLeft: 0,
    })),
    'challenge.exhausted': says(429, 'Too many failed attempts. Please request a new code.'),
    'challenge.resends_spent': tooSoon('This code was sent as often as it can be. Please try again later.'),
    'rate.limited': tooSoon('Too many requests. Please try again later.'),
    'credentials.wrong': says(401, 'Invalid credentials'),
    'token.invalid': says(401, 'Invalid or expired token'),
    'account.unverified': says(403, 'Phone number is not verified. Please verify your phone number first.'),
    'account.second_factor': says(403, 'Two-factor authentication is enabled for this account. Please log in there.'),
    'account.disabled': says(403, 'Account is disabled'),
    forbidden: says(403, 'Forbidden'),
    'account.exists': shaped(409, Message, ({ members: { errors = [] } }) => ({ message: taken(errors[0]?.path) })),
    'reset.gone': says(400, 'Invalid or expired reset token'),
    'undo.gone': says(400, 'Invalid or expired token'),
    'not.found': says(404, 'Not found'),
    'method.not_allowed': says(405, 'Method not allowed'),
    'request.too_large': says(413, 'Request entity too large'),
    'request.media_type': says(415, 'Unsupported media type'),
    internal: says(500, 'Internal server error'),
    unavailable: says(503, 'Service temporarily unavailable. Please try again later.'),
  } satisfies Record<ErrorCode, Wording>,
})

/** A resend that comes too soon names the configured wait; one that waits for longer has spent more than a cooldown. */
export const createResendWords = ({ cooldownsSeconds: [cooldown = 0] }: FacePolicy): Partial<Voice['wordings']> => ({
  'rate.limited': shaped(429, TooSoon, ({ members: { retryAt } }) => {
    const retryAfter = secondsUntil(retryAt ?? new Date())
    return {
      message:
        retryAfter <= cooldown
          ? `Please wait ${cooldown} seconds before requesting another code`
          : 'Too many codes were requested for this phone number. Please try again later.',
      retryAfter,
    }
  }),
})

/** The password that is asked for beside the new one is not a log-in. */
export const changePasswordWords: Partial<Voice['wordings']> = {
  'credentials.wrong': says(401, 'Current password is incorrect'),
}

function tooSoon(text: string): Wording {
  return shaped(429, TooSoon, ({ members: { retryAt } }) => ({
    message: text,
    retryAfter: secondsUntil(retryAt ?? new Date()),
  }))
}

/** Flows call a phone `phone`; here it is `phoneNumber`. */
function fieldError({ path, message: text }: { path: string; message: string }) {
  const [, name = ''] = path.split('/')
  const field = name === 'phone' || name === 'identifier' ? 'phoneNumber' : name
  return { field, message: `${field} ${text === 'is missing' ? 'is required' : text}`.trim() }
}

function taken(path: string | undefined): string {
  if (path === '/username') return 'Username is already taken'
  if (path === '/email') return 'Email is already registered'
  return 'Phone number is already registered'
}
