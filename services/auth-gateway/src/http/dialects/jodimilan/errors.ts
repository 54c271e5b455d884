import type { ErrorCode } from '@latchkey/contracts/errors'
import type { AppError } from '@latchkey/kit/app-error'
import { inWords, secondsUntil, type Voice, type Wording } from '@latchkey/kit/voice'
import { type TSchema, Type } from 'typebox'
import type { FacePolicy } from '../../../flows/policy.js'

const envelope = { code: Type.Integer(), success: Type.Literal(false), message: Type.String() }
const Failure = Type.Object(envelope)
const WrongCode = Type.Object({ ...envelope, data: Type.Object({ attempts_left: Type.Integer() }) })
const Invalid = Type.Object({
  ...envelope,
  data: Type.Object({ errors: Type.Record(Type.String(), Type.Array(Type.String())) }),
})

interface Said {
  readonly message: string
  readonly data?: object
}
const saying = (status: number, schema: TSchema, said: (error: AppError) => Said): Wording => ({
  status,
  schema,
  body: (error) => ({ code: status, success: false, ...said(error) }),
})
const says = (status: number, message: string): Wording => saying(status, Failure, () => ({ message }))
const wrongCode = saying(400, WrongCode, ({ members: { attemptsLeft = 0 } }) => ({
  message: 'Invalid or expired OTP',
  data: { attempts_left: attemptsLeft },
}))

/** Every refusal in the envelope of this API. */
export const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: {
    'request.invalid': saying(422, Invalid, ({ members: { errors = [] } }) => ({
      message: errors.length === 0 ? 'The request body is not valid JSON' : 'Validation failed',
      data: { errors: byField(errors) },
    })),
    'password.weak': saying(422, Invalid, ({ members: { reasons = [] } }) => ({
      message: 'Validation failed',
      data: { errors: { password: [...reasons] } },
    })),
    'challenge.wrong': wrongCode,
    'challenge.gone': wrongCode,
    'challenge.exhausted': saying(400, WrongCode, () => ({
      message: 'Maximum OTP attempts exceeded. Please request a new OTP',
      data: { attempts_left: 0 },
    })),
    'challenge.resends_spent': says(400, 'Maximum OTP resend attempts reached'),
    'rate.limited': says(429, 'Too many requests. Please try again later'),
    'credentials.wrong': says(401, 'Invalid credentials'),
    'token.invalid': says(401, 'Invalid or expired token'),
    'account.unverified': says(403, 'Account not verified. Please verify your phone number'),
    'account.second_factor': says(403, 'This account asks for a second factor, which cannot be given here'),
    'account.disabled': says(403, 'Account is disabled'),
    forbidden: says(403, 'Forbidden'),
    'account.exists': saying(409, Failure, ({ members: { errors = [] } }) => ({
      message: errors[0]?.path === '/email' ? 'Email already registered' : 'Phone number already registered',
    })),
    'reset.gone': says(400, 'Invalid or expired token'),
    'undo.gone': says(400, 'Invalid or expired token'),
    'not.found': says(404, 'Not found'),
    'method.not_allowed': says(405, 'Method not allowed'),
    'request.too_large': says(413, 'Request is too large'),
    'request.media_type': says(415, 'Unsupported media type'),
    internal: says(500, 'Internal server error'),
    unavailable: says(503, 'Service unavailable. Please try again later'),
  } satisfies Record<ErrorCode, Wording>,
})

/** A resend that comes too soon names the configured wait; one that waits for longer has spent more than a cooldown. */
export const createResendWords = ({ cooldownsSeconds: [cooldown = 0] }: FacePolicy): Partial<Voice['wordings']> => ({
  'rate.limited': saying(400, Failure, ({ members: { retryAt = new Date() } }) => ({
    message:
      secondsUntil(retryAt) <= cooldown
        ? `Please wait ${cooldown} seconds before resending OTP`
        : 'Too many OTPs were requested for this phone number. Please try again later',
  })),
})

function byField(errors: readonly { path: string; message: string }[]): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const { path, message } of errors) {
    const name = path.split('/')[1] ?? ''
    const field = { '': 'body', code: 'otp', identifier: 'email' }[name] ?? name
    found[field] = [
      ...(found[field] ?? []),
      message === 'is missing' ? `${field} is required` : `${field} ${inWords(message)}`,
    ]
  }
  return found
}
