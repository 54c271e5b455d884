import { createHash, timingSafeEqual } from 'node:crypto'
import type { CallReader, CarrierCall, ProviderReceipt, Unbelieved } from './provider-calls.js'

type Said = Pick<ProviderReceipt, 'state' | 'reason'>

// What MessageCentral documents of its API (Verify Now, Message Now) is how messages are sent: an answer with `data.verificationId` and
// `data.transactionId`. Of a callback it documents nothing. Assumed: that it names one of these ids, and says the state in a word of SMPP.
// What comes in another shape is refused and counted, and the message stays as its send left it.

/** The words of delivery receipts, as SMPP has them and as they are written out. */
const words: Readonly<Record<string, Said>> = {
  ACCEPTED: { state: 'accepted' },
  ACCEPTD: { state: 'accepted' },
  SUBMITTED: { state: 'accepted' },
  QUEUED: { state: 'accepted' },
  ENROUTE: { state: 'accepted' },
  SENT: { state: 'accepted' },
  DELIVERED: { state: 'delivered' },
  DELIVRD: { state: 'delivered' },
  UNDELIVERED: { state: 'undelivered', reason: 'unreachable' },
  UNDELIV: { state: 'undelivered', reason: 'unreachable' },
  EXPIRED: { state: 'undelivered', reason: 'unreachable' },
  REJECTED: { state: 'undelivered', reason: 'blocked' },
  REJECTD: { state: 'undelivered', reason: 'blocked' },
  DELETED: { state: 'undelivered', reason: 'carrier_failed' },
  FAILED: { state: 'undelivered', reason: 'carrier_failed' },
}

const idNames = ['transactionId', 'verificationId', 'messageId']
const statusNames = ['status', 'deliveryStatus']
const idPattern = /^[\w-]{1,64}$/
/** More than a carrier says of one message. */
const mostFields = 100

const digest = (text: string) => createHash('sha256').update(text).digest()

/**
 * Receipts of MessageCentral, which signs nothing: believed where they come to the path that it alone was told. They name the message by
 * the carrier's own id.
 */
export function createMessageCentralReader(secret: string): CallReader {
  const expected = digest(secret)
  return {
    receipt({ token = '', ...call }) {
      if (!timingSafeEqual(digest(token), expected)) return 'astray'
      const fields = fieldsOf(call)
      return fields === undefined ? 'unreadable' : readReceipt(fields)
    },
    inbound: () => 'astray',
    reply: () => ({ type: 'text/plain; charset=utf-8', body: '' }),
  }
}

function readReceipt(fields: ReadonlyMap<string, string>): ProviderReceipt | Unbelieved {
  const first = (names: readonly string[]) => names.map((name) => fields.get(name)).find((value) => value !== undefined)
  const id = first(idNames) ?? ''
  const word = first(statusNames)?.toUpperCase() ?? ''
  const said = words[word]
  if (!idPattern.test(id) || said === undefined) return 'unreadable'
  return { providerMessageId: id, ...said, ...(said.state === 'undelivered' && { carrierCode: word }) }
}

/** What a form or a JSON object says, that in `data` included; undefined where it is neither, or says a thing twice. */
function fieldsOf({ headers, body }: Pick<CarrierCall, 'headers' | 'body'>): ReadonlyMap<string, string> | undefined {
  const entries = String(headers['content-type']).startsWith('application/json')
    ? jsonEntries(body)
    : [...new URLSearchParams(body)]
  if (entries === undefined || entries.length > mostFields) return undefined
  const fields = new Map(entries)
  return fields.size === entries.length ? fields : undefined
}

function jsonEntries(body: string): [string, string][] | undefined {
  const said = parse(body)
  if (said === undefined) return undefined
  const { data, ...own } = said
  const inner = typeof data === 'object' && data !== null && !Array.isArray(data) ? Object.entries(data) : []
  return [...Object.entries(own), ...inner].flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' || typeof value === 'number' ? [[name, String(value)]] : [],
  )
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
