import type { ErrorCode } from '@latchkey/contracts/errors'
import type { AppError } from '@latchkey/kit/app-error'
import { inWords, secondsUntil, type Voice, type Wording } from '@latchkey/kit/voice'
import { Type } from 'typebox'
import type { FacePolicy } from '../../../flows/policy.js'

const Message = Type.Object({ message: Type.String() })
const WrongCode = Type.Object({ message: Type.String(), attemptsLeft: Type.Integer() })

const saying = (status: number, text: (error: AppError) => string): Wording => ({
  status,
  schema: Message,
  body: (error) => ({ message: text(error) }),
})
const says = (status: number, text: string): Wording => saying(status, () => text)
const wrongCode = (text: string): Wording => ({
  status: 400,
  schema: WrongCode,
  body: ({ members: { attemptsLeft = 0 } }) => ({ message: text, attemptsLeft }),
})

/** Every refusal as this API says it: `{message}`, and how many tries a code has left. */
export const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: {
    'request.invalid': saying(400, ({ members: { errors = [] } }) =>
      errors.length === 0 ? 'Invalid JSON' : errors.map(fieldError).join('; '),
    ),
    'password.weak': saying(400, ({ members: { reasons = [] } }) => `Password is not accepted: ${reasons.join(' ')}`),
    'challenge.wrong': wrongCode('Invalid or expired OTP'),
    'challenge.gone': wrongCode('Invalid or expired OTP'),
    'challenge.exhausted': wrongCode('Maximum OTP attempts exceeded. Please request a new OTP'),
    'challenge.resends_spent': says(429, 'This OTP was sent as often as it can be. Please try again later'),
    'rate.limited': says(429, 'Too many requests. Please try again later'),
    'credentials.wrong': says(401, 'Invalid email or password'),
    'token.invalid': says(401, 'Invalid or expired token'),
    'account.unverified': says(403, 'Phone number is not verified'),
    'account.second_factor': says(403, 'This account asks for a second factor, which cannot be given here'),
    'account.disabled': says(403, 'Account is disabled'),
    forbidden: says(403, 'Forbidden'),
    'account.exists': says(400, 'An account with this email or phone number already exists. Please log in'),
    'reset.gone': says(400, 'Invalid or expired reset token'),
    'undo.gone': says(400, 'Invalid or expired token'),
    'not.found': says(404, 'Not found'),
    'method.not_allowed': says(405, 'Method not allowed'),
    'request.too_large': says(413, 'Request is too large'),
    'request.media_type': says(415, 'Unsupported media type'),
    internal: says(500, 'Internal server error'),
    unavailable: says(503, 'Service unavailable. Please try again later'),
  } satisfies Record<ErrorCode, Wording>,
})

/** An initiate that comes too soon names the configured wait; one that waits for longer has spent more than a cooldown. */
export const createInitiateWords = ({ cooldownsSeconds: [cooldown = 0] }: FacePolicy): Partial<Voice['wordings']> => ({
  'rate.limited': saying(429, ({ members: { retryAt = new Date() } }) =>
    secondsUntil(retryAt) <= cooldown
      ? `Please wait ${cooldown} seconds before requesting another OTP`
      : 'Too many OTPs were requested for this phone number. Please try again later',
  ),
})

function fieldError({ path, message }: { path: string; message: string }): string {
  const name = path.split('/')[1] ?? ''
  const field = { '': 'The request body', code: 'otp' }[name] ?? name
  return message === 'is missing' ? `${field} is required` : `${field} ${inWords(message)}`
}
