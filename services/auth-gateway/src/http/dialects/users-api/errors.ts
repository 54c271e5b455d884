import type { ErrorCode } from '@latchkey/contracts/errors'
import type { AppError } from '@latchkey/kit/app-error'
import { secondsUntil, type Voice, type Wording } from '@latchkey/kit/voice'
import { Type } from 'typebox'
import type { FacePolicy } from '../../../flows/policy.js'

const Messages = Type.Array(Type.String())
const Detail = Type.Object({ detail: Type.String() })
const Fields = Type.Record(Type.String(), Messages)
const WrongCode = Type.Object({ otp: Messages, attempts_left: Type.Integer() })

const saying = (status: number, text: (error: AppError) => string): Wording => ({
  status,
  schema: Detail,
  body: (error) => ({ detail: text(error) }),
})
const says = (status: number, text: string): Wording => saying(status, () => text)
const wrongCode = (text: string): Wording => ({
  status: 400,
  schema: WrongCode,
  body: ({ members: { attemptsLeft = 0 } }) => ({ otp: [text], attempts_left: attemptsLeft }),
})
const fields = (status: number, body: (error: AppError) => object): Wording => ({ status, schema: Fields, body })

/** Every refusal in the words of Django REST framework: `{field: [messages]}` where a field is wrong, else `{detail}`. */
export const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: {
    'request.invalid': {
      status: 400,
      schema: Type.Union([Fields, Detail]),
      body: ({ members: { errors = [] } }) => (errors.length === 0 ? { detail: 'JSON parse error' } : byField(errors)),
    },
    'password.weak': fields(400, ({ members: { reasons = [] } }) => ({ password: [...reasons] })),
    'challenge.wrong': wrongCode('Invalid or expired OTP.'),
    'challenge.gone': wrongCode('Invalid or expired OTP.'),
    'challenge.exhausted': wrongCode('Maximum verification attempts exceeded. Please request a new OTP.'),
    'challenge.resends_spent': says(429, 'This OTP was sent as often as it can be. Please try again later.'),
    'rate.limited': saying(
      429,
      ({ members: { retryAt = new Date() } }) =>
        `Request was throttled. Expected available in ${secondsUntil(retryAt)} seconds.`,
    ),
    'credentials.wrong': says(401, 'No active account found with the given credentials'),
    'token.invalid': {
      status: 401,
      schema: Detail,
      body: (_error, { method, headers }) => ({
        detail:
          method === 'GET' && headers.authorization === undefined
            ? 'Authentication credentials were not provided.'
            : 'Given token not valid for any token type',
      }),
    },
    'account.unverified': says(403, 'The phone number is not verified.'),
    'account.second_factor': says(403, 'This account asks for a second factor, which cannot be given here.'),
    'account.disabled': says(403, 'User is inactive'),
    forbidden: says(403, 'You do not have permission to perform this action.'),
    'account.exists': fields(400, ({ members: { errors = [{ path: '/phone', message: '' }] } }) =>
      Object.fromEntries(
        errors.map(({ path }) => [path.slice(1), [`user with this ${path.slice(1)} already exists.`]]),
      ),
    ),
    'reset.gone': says(400, 'Invalid or expired token.'),
    'undo.gone': says(400, 'Invalid or expired token.'),
    'not.found': says(404, 'Not found.'),
    'method.not_allowed': {
      status: 405,
      schema: Detail,
      body: (_error, { method }) => ({ detail: `Method "${method}" not allowed.` }),
    },
    'request.too_large': says(413, 'Request body is too large.'),
    'request.media_type': {
      status: 415,
      schema: Detail,
      body: (_error, { headers }) => ({
        detail: `Unsupported media type "${headers['content-type'] ?? ''}" in request.`,
      }),
    },
    internal: says(500, 'A server error occurred.'),
    unavailable: says(503, 'Service temporarily unavailable, try again later.'),
  } satisfies Record<ErrorCode, Wording>,
})

/** A send that comes too soon names the configured wait; one that waits for longer has spent more than a cooldown. */
export const createSendWords = ({ cooldownsSeconds: [cooldown = 0] }: FacePolicy): Partial<Voice['wordings']> => ({
  'rate.limited': saying(429, ({ members: { retryAt = new Date() } }) =>
    secondsUntil(retryAt) <= cooldown
      ? `Please wait ${cooldown} seconds before requesting another OTP.`
      : 'Too many OTPs were requested for this phone number. Please try again later.',
  ),
})

function byField(errors: readonly { path: string; message: string }[]): Record<string, string[]> {
  const found: Record<string, string[]> = {}
  for (const { path, message } of errors) {
    const name = path.split('/')[1] ?? ''
    const field = { '': 'non_field_errors', code: 'otp' }[name] ?? name
    found[field] = [...(found[field] ?? []), said(message)]
  }
  return found
}

function said(message: string): string {
  if (message === 'is missing') return 'This field is required.'
  if (message === 'must be string') return 'Not a valid string.'
  if (message === 'must be a JSON object') return 'Invalid data. Expected a dictionary.'
  if (message === 'must NOT have fewer than 1 characters') return 'This field may not be blank.'
  if (message === 'must be an e-mail address') return 'Enter a valid email address.'
  const [, longest] = /^must NOT have more than (\d+) characters$/.exec(message) ?? []
  if (longest !== undefined) return `Ensure this field has no more than ${longest} characters.`
  return `This field ${message}.`
}
