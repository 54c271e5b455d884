import { type ErrorCode, errors } from '@latchkey/contracts/errors'

/** What a refusal may tell beside its code; each member is public. */
export interface ErrorMembers {
  readonly detail?: string
  readonly attemptsLeft?: number
  readonly retryAt?: Date
  readonly reasons?: readonly string[]
  readonly errors?: readonly { path: string; message: string }[]
}

interface AppErrorOptions extends ErrorMembers {
  readonly cause?: unknown
  /** Whether the work behind a failed call may still have been done (a lost answer after a commit). */
  readonly effect?: 'none' | 'unknown'
}

/** The only error a flow throws on purpose. Its members are sent to the caller; `cause` is only logged. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  readonly members: ErrorMembers
  readonly effect: 'none' | 'unknown'

  constructor(code: ErrorCode, { cause, effect = 'none', ...members }: AppErrorOptions = {}) {
    super(members.detail ?? errors[code].detail, cause === undefined ? {} : { cause })
    this.code = code
    this.members = members
    this.effect = effect
  }

  get statusCode(): number {
    return errors[this.code].status
  }
}

/** `request.invalid` about one field: `path` is a JSON Pointer (`/phone`). */
export function invalidField(path: string, message: string): AppError {
  return new AppError('request.invalid', { errors: [{ path, message }] })
}
