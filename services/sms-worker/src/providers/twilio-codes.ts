import type { DeliveryReason } from '@latchkey/contracts/delivery'
import type { SendOutcome } from './provider.js'

/** Final for this recipient; most of them for every carrier, and trying the next one costs money. */
const recipient: Readonly<Record<number, DeliveryReason>> = {
  21211: 'invalid_number',
  21604: 'invalid_number',
  21614: 'not_mobile',
  21610: 'opted_out',
  21612: 'blocked',
  // Not the number's fault but not to be mended in the life of a code: a trial account, a region not enabled.
  21608: 'misconfigured',
  21408: 'misconfigured',
}

/** Twilio's own reach, not the recipient's fault: another carrier may have a way. */
const elsewhere = new Set([21612, 21408])

/** It does not know us: wrong credentials, an account that is closed or is none. */
const barred = new Set([20003, 20005, 20404])

/** Ours: credentials, account, sender, body. Nothing left, and nothing will until an operator acts. */
const ours = new Set([20003, 20005, 20404, 21212, 21602, 21603, 21606, 21609, 21617, 21624])
const isOurs = (code: number) => ours.has(code) || (code >= 21700 && code <= 21709)

/** Too fast: rate limit, or the sender's queue at Twilio is full. */
const tooFast = new Set([20429, 21611])

interface Refusal {
  readonly status: number
  readonly code: number | undefined
  readonly retryAfterMs: number | undefined
}

/** What an answer that is not 2xx means for the message. */
export function classifyRefusal({ status, code, retryAfterMs }: Refusal): SendOutcome {
  const carrierCode = code === undefined ? `http-${status}` : String(code)
  // Behind a 5xx, or a proxy that stopped waiting (408), the message may have been taken.
  if (status >= 500 || status === 408) return { outcome: 'unknown', carrierCode }
  if (status === 429 || (code !== undefined && tooFast.has(code)))
    return {
      outcome: 'not_sent',
      reason: 'carrier_failed',
      carrierCode,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    }
  const reason = code === undefined ? undefined : recipient[code]
  if (code !== undefined && reason !== undefined)
    return { outcome: 'rejected', reason, carrierCode, ...(elsewhere.has(code) && { elsewhere: true }) }
  // Twilio's own refusals have a code; without one a proxy on the way may be speaking, and it may speak otherwise soon.
  if (code === undefined && status !== 401) return { outcome: 'not_sent', reason: 'carrier_failed', carrierCode }
  const known = code === undefined || isOurs(code)
  return {
    outcome: 'not_sent',
    reason: known ? 'misconfigured' : 'carrier_failed',
    carrierCode,
    permanent: true,
    ...((code === undefined || barred.has(code)) && { barred: true }),
  }
}
