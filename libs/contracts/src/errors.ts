/** What one error code means: its HTTP status on /v1, its public name, and what the caller can do about it. */
export interface ErrorEntry {
  readonly status: number
  readonly title: string
  /** Shown to the caller where a flow has nothing more exact to say; docs/errors.md prints it as the remedy. */
  readonly detail: string
  /** Members of the problem document beside the standard ones (RFC 9457 §3.2). */
  readonly members?: readonly ('attemptsLeft' | 'retryAt' | 'errors' | 'reasons')[]
}

/** Every failure a caller may see. All of it is public; anything private belongs in an AppError's `cause`. */
export const errors = {
  'request.invalid': {
    status: 400,
    title: 'The request is not valid',
    detail: 'Correct the fields named in `errors` and send the request again.',
    members: ['errors'],
  },
  'challenge.wrong': {
    status: 400,
    title: 'The code is not correct',
    detail: 'Ask the person for the code from the latest message; `attemptsLeft` says how many wrong answers remain.',
    members: ['attemptsLeft'],
  },
  'challenge.exhausted': {
    status: 429,
    title: 'The code took too many wrong answers',
    detail: 'Ask for a new code. /v1 says `challenge.gone` here; some of the documented APIs tell the two apart.',
  },
  'challenge.resends_spent': {
    status: 429,
    title: 'The code was sent as often as it may be',
    detail: 'Wait until it has expired, then start again. /v1 says `rate.limited` here.',
  },
  'password.weak': {
    status: 400,
    title: 'The password is not accepted',
    detail: 'Choose another password; `reasons` says what is wrong with this one. No code was used up.',
    members: ['reasons'],
  },
  'credentials.wrong': {
    status: 401,
    title: 'The identifier or the password is wrong',
    detail: 'Check both, or log in by a code sent to the phone.',
  },
  'token.invalid': {
    status: 401,
    title: 'The token is not valid',
    detail:
      'It is missing, malformed, expired, or its session has ended: refresh the session if it still lives, or sign in again.',
  },
  'account.disabled': {
    status: 403,
    title: 'The account is disabled',
    detail: 'Ask the people who run this service to enable it.',
  },
  'account.unverified': {
    status: 403,
    title: 'The account is not verified',
    detail: 'Prove the phone number by the code sent to it, then log in.',
  },
  'account.second_factor': {
    status: 403,
    title: 'The account asks for a second factor',
    detail: 'This API has no step for it: sign in where the second factor can be given.',
  },
  forbidden: {
    status: 403,
    title: 'This is not allowed',
    detail: 'The token is valid, but it does not open this.',
  },
  'not.found': {
    status: 404,
    title: 'There is nothing here',
    detail: 'Check the path against /docs.',
  },
  'method.not_allowed': {
    status: 405,
    title: 'The method is not allowed here',
    detail: 'The `Allow` header lists the methods of this path.',
  },
  'account.exists': {
    status: 409,
    title: 'The phone number or e-mail already has an account',
    detail: 'It was proved for another account: log in there instead.',
  },
  'challenge.gone': {
    status: 410,
    title: 'The challenge is gone',
    detail: 'It is unknown, used, expired, exhausted or superseded: start again to get a new code.',
  },
  'reset.gone': {
    status: 410,
    title: 'The reset token is gone',
    detail: 'It is unknown, used or expired: ask for a new password reset.',
  },
  'undo.gone': {
    status: 410,
    title: 'The undo token is gone',
    detail: 'It is unknown, used or older than 24 hours: ask the people who run this service.',
  },
  'request.too_large': {
    status: 413,
    title: 'The request is too large',
    detail: 'A body may have at most 16 KB.',
  },
  'request.media_type': {
    status: 415,
    title: 'The media type is not supported',
    detail: 'Send `Content-Type: application/json`.',
  },
  'rate.limited': {
    status: 429,
    title: 'Too many requests',
    detail: 'Wait until `retryAt` (also in `Retry-After`, in seconds), then try again.',
    members: ['retryAt'],
  },
  internal: {
    status: 500,
    title: 'Something went wrong on our side',
    detail: 'Try again; if it stays, give the `x-request-id` of the answer to the people who run this service.',
  },
  unavailable: {
    status: 503,
    title: 'The service is not available at the moment',
    detail: 'Try again after the seconds in `Retry-After`. Should a right code be gone by then, it was used: log in.',
    members: ['retryAt'],
  },
} as const satisfies Record<string, ErrorEntry>

export type ErrorCode = keyof typeof errors

/** The anchor of a code on the page that explains it, in docs/errors.md and at /docs/errors alike. */
export function errorAnchor(code: ErrorCode): string {
  return code.replace(/[._]/g, '-')
}

/** `type` of a problem document: a reference that the running gateway answers with the page (RFC 9457 §3.1.1). */
export function errorType(code: ErrorCode): string {
  return `/docs/errors#${errorAnchor(code)}`
}
