import type { SendOutcome } from './provider.js'

/** How long a carrier that says "too many" without a time is left alone. */
const backOffMs = 30_000

const ours = { outcome: 'not_sent', reason: 'misconfigured', permanent: true, barred: true } as const

/** What the integers of its answers mean for a message. */
const known: Readonly<Record<number, SendOutcome>> = {
  // A request it cannot use: the number, the sender or the text. Nothing says which, so another carrier may try.
  400: { outcome: 'not_sent', reason: 'carrier_failed', permanent: true },
  // A country it does not serve.
  511: { outcome: 'rejected', reason: 'misconfigured', elsewhere: true },
  401: ours,
  403: ours,
  501: ours,
  // Under way already: an SMS may come, so it counts as one.
  409: { outcome: 'unknown', answered: true },
  506: { outcome: 'unknown', answered: true },
  // It failed itself, and perhaps after it took the message.
  500: { outcome: 'unknown' },
  429: { outcome: 'not_sent', reason: 'carrier_failed' },
  800: { outcome: 'not_sent', reason: 'carrier_failed', retryAfterMs: backOffMs },
}

/** Any other may be said of a message that was taken; who says it is well. */
const unlisted: SendOutcome = { outcome: 'unknown', answered: true }

interface Answer {
  readonly status: number
  /** Parsed JSON; undefined where it is none. */
  readonly body: unknown
  readonly retryAfterMs: number | undefined
}

/** What an answer to a send means for the message. It is decided by the integer in the body, which its HTTP status may contradict. */
export function classifyAnswer({ status, body, retryAfterMs }: Answer): SendOutcome {
  // Behind a 5xx, or a proxy that stopped waiting (408), the message may have been taken.
  if (status >= 500 || status === 408) return { outcome: 'unknown', carrierCode: `http-${status}` }
  const code = codeIn(body)
  if (code === 200) return accepted(body)
  if (code !== undefined) return withCode(known[code] ?? unlisted, String(code), retryAfterMs)
  if (status >= 200 && status <= 299) return { outcome: 'unknown', carrierCode: 'unreadable' }
  // No word of the carrier itself: a proxy on the way may be speaking, and it may speak otherwise soon.
  // Only 401 is about our token; who may not pass is told 403 by any firewall.
  const outcome = status === 401 ? ours : ({ outcome: 'not_sent', reason: 'carrier_failed' } as const)
  return withCode(outcome, `http-${status}`, retryAfterMs)
}

function withCode(outcome: SendOutcome, carrierCode: string, retryAfterMs: number | undefined): SendOutcome {
  const patient = outcome.outcome === 'not_sent' && outcome.permanent === undefined && retryAfterMs !== undefined
  return { ...outcome, carrierCode, ...(patient && { retryAfterMs }) } as SendOutcome
}

/** The integer of the answer; where the one inside contradicts a 200, that one. */
function codeIn(body: unknown): number | undefined {
  const code = member(body, 'responseCode')
  if (typeof code !== 'number' || !Number.isInteger(code)) return undefined
  const inner = Number(member(member(body, 'data'), 'responseCode') ?? code)
  return code === 200 && Number.isInteger(inner) ? inner : code
}

const idPattern = /^[\w-]{1,64}$/

/** Where it names no message, nobody knows whether one was taken. */
function accepted(body: unknown): SendOutcome {
  const data = member(body, 'data')
  const id = [member(data, 'transactionId'), member(data, 'verificationId')]
    .map((value) => (typeof value === 'number' ? String(value) : value))
    .find((value) => typeof value === 'string' && idPattern.test(value))
  return typeof id === 'string'
    ? { outcome: 'accepted', providerMessageId: id }
    : { outcome: 'unknown', carrierCode: 'no-id' }
}

const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
