import type { Problem } from '@latchkey/contracts/endpoint'
import type { CallName, FailsOf } from './calls.js'

/** Why a call was refused: the codes of /v1, and two for answers that never came. */
export type RefusalCode =
  | FailsOf<CallName>
  | 'internal'
  | 'not.found'
  | 'method_not_allowed'
  | 'request.too_large'
  | 'request.media_type'
  /** Offline, or something else than the service answered. Whether the call had its effect is not known. */
  | 'network.failed'
  /** No answer in time. Whether the call had its effect is not known. */
  | 'network.timeout'

type About = Partial<Omit<Problem, 'code' | 'type'>> & {
  readonly code: RefusalCode
  readonly retryInMs?: number
  readonly cause?: unknown
}

/** What every call throws when it is refused, but for one that its caller aborted. `message` is for developers: word it anew for people, by `code`. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** May be one that a newer service knows and these types do not. */
  readonly code: RefusalCode
  /** Of HTTP; 0 where no answer came. */
  readonly status: number
  /** How many wrong answers the challenge still takes. */
  readonly attemptsLeft?: number
  /** When to try again, by the clock of the service. */
  readonly retryAt?: string
  /** The same as a wait from now, whatever the clock of this device says. */
  readonly retryInMs?: number
  /** What is wrong with a password. */
  readonly reasons?: readonly string[]
  /** What is wrong with which field, as a JSON pointer. */
  readonly errors?: readonly { readonly path: string; readonly message: string }[]

  constructor({ code, status = 0, title, detail, cause, ...more }: About) {
    super(detail ?? title ?? code, { cause })
    this.code = code
    this.status = status
    const { attemptsLeft, retryAt, retryInMs, reasons, errors } = more
    Object.assign(this, { attemptsLeft, retryAt, retryInMs, reasons, errors })
  }
}

/** Whether an error is a refusal, with one of these codes where some are given. */
export const isRefusal = (error: unknown, ...codes: RefusalCode[]): error is Refusal =>
  error instanceof Refusal && (codes.length === 0 || codes.includes(error.code))

/** The refusal that an answer says, in a problem document of ours or, from whatever stands before the service, by its status. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { status, headers } = response
  const seconds = Number(headers.get('retry-after') ?? Number.NaN)
  const wait = Number.isFinite(seconds) ? { retryInMs: seconds * 1_000 } : {}
  if (headers.get('content-type')?.startsWith('application/problem+json')) {
    const problem = (await response.json()) as Problem
    return new Refusal({ ...problem, status, ...wait, code: problem.code as RefusalCode })
  }
  return new Refusal({
    code: foreign[status] ?? 'network.failed',
    status,
    ...wait,
    detail: `${status} without a problem document`,
  })
}

const foreign: Readonly<Record<number, RefusalCode>> = {
  413: 'request.too_large',
  429: 'rate.limited',
  500: 'internal',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
}
