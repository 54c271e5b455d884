import type { ErrorCode } from '@latchkey/contracts/errors'
import type { AppError } from '@latchkey/kit/app-error'
import { secondsUntil, type Voice, type Wording } from '@latchkey/kit/voice'
import { Type } from 'typebox'
import type { FacePolicy } from '../../../flows/policy.js'

const Detail = Type.Object({ detail: Type.String() })
const Invalid = Type.Object({
  detail: Type.Array(
    Type.Object({
      loc: Type.Array(Type.Union([Type.String(), Type.Integer()])),
      msg: Type.String(),
      type: Type.String(),
    }),
  ),
})

const saying = (status: number, text: (error: AppError) => string): Wording => ({
  status,
  schema: Detail,
  body: (error) => ({ detail: text(error) }),
})
const says = (status: number, text: string): Wording => saying(status, () => text)
const invalid = (detail: (error: AppError) => object[]): Wording => ({
  status: 422,
  schema: Invalid,
  body: (error) => ({ detail: detail(error) }),
})

/** Every refusal in the words of a FastAPI app: `{detail}`, and a list of places where the request is not valid. */
export const createVoice = (): Voice => ({
  contentType: 'application/json; charset=utf-8',
  wordings: {
    'request.invalid': invalidAt('body'),
    'password.weak': invalid(({ members: { reasons = [] } }) =>
      reasons.map((reason) => ({ loc: ['body', 'password'], msg: `Value error, ${reason}`, type: 'value_error' })),
    ),
    'challenge.wrong': saying(
      400,
      ({ members: { attemptsLeft = 0 } }) => `Invalid or expired verification code. Attempts left: ${attemptsLeft}`,
    ),
    'challenge.gone': says(400, 'Invalid or expired verification code'),
    'challenge.exhausted': says(400, 'Too many wrong codes. Please request a new code'),
    'challenge.resends_spent': says(429, 'This code was sent as often as it can be. Please try again later'),
    'rate.limited': says(429, 'Too many requests. Please try again later'),
    'credentials.wrong': says(401, 'Incorrect email or password'),
    'token.invalid': {
      status: 401,
      schema: Detail,
      body: (_error, { headers }) => ({
        detail: headers.authorization === undefined ? 'Not authenticated' : 'Could not validate credentials',
      }),
    },
    'account.unverified': says(403, 'Phone number is not verified'),
    'account.second_factor': says(403, 'This account asks for a second factor. Please log in where it can be given'),
    'account.disabled': says(403, 'Inactive user'),
    forbidden: says(403, 'Forbidden'),
    'account.exists': saying(400, ({ members: { errors = [] } }) =>
      errors[0]?.path === '/email' ? 'Email already registered' : 'Phone number already registered',
    ),
    'reset.gone': says(400, 'Invalid or expired token'),
    'undo.gone': says(400, 'Invalid or expired token'),
    'not.found': says(404, 'Not Found'),
    'method.not_allowed': says(405, 'Method Not Allowed'),
    'request.too_large': says(413, 'Request Entity Too Large'),
    'request.media_type': says(415, 'Unsupported Media Type'),
    internal: says(500, 'Internal Server Error'),
    unavailable: says(503, 'Service Unavailable'),
  } satisfies Record<ErrorCode, Wording>,
})

/** Calls that name the person by `?email=` are told so. */
export const byEmailWords: Partial<Voice['wordings']> = { 'request.invalid': invalidAt('query') }

/** A resend that comes too soon names the configured wait; one that waits for longer has spent more than a cooldown. */
export const createResendWords = ({ cooldownsSeconds: [cooldown = 0] }: FacePolicy): Partial<Voice['wordings']> => ({
  ...byEmailWords,
  'rate.limited': saying(429, ({ members: { retryAt = new Date() } }) =>
    secondsUntil(retryAt) <= cooldown
      ? `Please wait ${cooldown} seconds before requesting a new code`
      : 'Too many codes were requested for this phone number. Please try again later',
  ),
})

/** `email` is found where the call has it; everything else in the body. */
function invalidAt(emailIn: 'body' | 'query'): Wording {
  return invalid(({ members: { errors = [] } }) =>
    errors.length === 0
      ? [{ loc: ['body', 0], msg: 'JSON decode error', type: 'json_invalid' }]
      : errors.map(({ path, message }) => {
          const field = ownName(path)
          const place = path.startsWith('/querystring/') ? 'query' : field === 'email' ? emailIn : 'body'
          return { loc: [place, ...(field === '' ? [] : [field])], ...said(message) }
        }),
  )
}

/** What flows and schemas call a field, as this API calls it. */
function ownName(path: string): string {
  const field = path.replace(/^\/querystring/, '').split('/')[1] ?? ''
  return { phone: 'phone_number', name: 'full_name', identifier: 'email' }[field] ?? field
}

const characters = (count = ''): string => (count === '1' ? '1 character' : `${count} characters`)

function said(message: string): { msg: string; type: string } {
  if (message === 'is missing') return { msg: 'Field required', type: 'missing' }
  if (message.startsWith('must be string')) return { msg: 'Input should be a valid string', type: 'string_type' }
  if (message === 'must be an e-mail address' || message.startsWith('must match pattern'))
    return { msg: 'value is not a valid email address', type: 'value_error' }
  const [, bound, count] = /^must NOT have (fewer|more) than (\d+) characters$/.exec(message) ?? []
  if (bound !== undefined)
    return bound === 'fewer'
      ? { msg: `String should have at least ${characters(count)}`, type: 'string_too_short' }
      : { msg: `String should have at most ${characters(count)}`, type: 'string_too_long' }
  if (message === 'must be a JSON object')
    return { msg: 'Input should be a valid dictionary or object', type: 'model_attributes_type' }
  return { msg: `Value error, ${message}`, type: 'value_error' }
}
