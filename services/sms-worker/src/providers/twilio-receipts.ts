import { E164 } from '@latchkey/contracts/phone'
import twilio from 'twilio'
import { Value } from 'typebox/value'
import type { CallReader, CarrierCall, ProviderInbound, ProviderReceipt, Unbelieved } from './provider-calls.js'
import { failureReason } from './twilio-receipt-codes.js'
import { isSid } from './twilio-sid.js'

/**
 * Where Twilio reports about one attempt. Our ids stand in the query, which is signed; the fragment never reaches us: it
 * tells Twilio to come again when we cannot take a receipt, which by itself it would not.
 */
export const statusCallback = (receiptsUrl: string, messageId: string, attempt?: number): string =>
  `${receiptsUrl}?message=${messageId}${attempt === undefined ? '' : `&attempt=${attempt}`}${comeAgain}`

const comeAgain = '#rc=5&rp=5xx,ct,rt'

interface ReaderOptions {
  readonly authToken: string
  /** Ours as the carrier was told it: what is signed is not the address at which a proxy calls us. */
  readonly publicUrl: string
}

/** What the statuses of Twilio say of a message; those before `sent` say that it was taken, which is news where its answer was lost. */
const states: Readonly<Record<string, ProviderReceipt['state']>> = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'accepted',
  delivered: 'delivered',
  read: 'delivered',
  undelivered: 'undelivered',
  failed: 'undelivered',
  canceled: 'undelivered',
}

const words = new Map<string, ProviderInbound['word']>([
  ...['STOP', 'STOPALL', 'UNSUBSCRIBE', 'CANCEL', 'END', 'QUIT', 'REVOKE', 'OPTOUT'].map(
    (word) => [word, 'stop'] as const,
  ),
  ...['START', 'YES', 'UNSTOP'].map((word) => [word, 'start'] as const),
  ...['HELP', 'INFO'].map((word) => [word, 'help'] as const),
])

/** What Twilio sends has a few dozen; each is sorted and signed again for every spelling of our address. */
const most = { form: 100, query: 20 }

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const optedOutCode = 21610

/** Receipts and inbound messages of Twilio: believed where the whole request is signed with our account's token. */
export function createTwilioReader({ authToken, publicUrl }: ReaderOptions): CallReader {
  const base = publicUrl.replace(/\/$/, '')

  /** The form, once it is certain that Twilio sent exactly this. */
  function believe({ target, headers, body }: CarrierCall): URLSearchParams | Unbelieved {
    const form = new URLSearchParams(body)
    const query = new URLSearchParams(target.split('?', 2)[1] ?? '')
    if (form.size > most.form || query.size > most.query) return 'unreadable'
    // The SDK signs a repeated key once, whatever it is repeated with.
    if (hasRepeats(form) || hasRepeats(query)) return 'unreadable'
    const signature = headers['x-twilio-signature']
    if (typeof signature !== 'string') return 'forged'
    const params = Object.fromEntries(form)
    const signed = [`${base}${target}`, `${base}${target}${comeAgain}`].some((url) =>
      twilio.validateRequest(authToken, signature, url, params),
    )
    return signed ? form : 'forged'
  }

  return {
    receipt(call) {
      const form = believe(call)
      return typeof form === 'string' ? form : readReceipt(form, call.target)
    },
    inbound(call) {
      const form = believe(call)
      return typeof form === 'string' ? form : readInbound(form)
    },
    reply(text) {
      const answer = new twilio.twiml.MessagingResponse()
      if (text !== undefined) answer.message(text)
      return { type: 'text/xml; charset=utf-8', body: answer.toString() }
    },
  }
}

function readReceipt(form: URLSearchParams, target: string): ProviderReceipt | Unbelieved {
  const query = new URLSearchParams(target.split('?', 2)[1] ?? '')
  const messageId = query.get('message') ?? ''
  const attempt = numberIn(query, 'attempt', 1_000)
  const sid = form.get('MessageSid') ?? ''
  const state = states[(form.get('MessageStatus') ?? '').toLowerCase()]
  if (!uuid.test(messageId) || !isSid(sid) || state === undefined) return 'unreadable'
  const code = numberIn(form, 'ErrorCode', 99_999)
  const segments = numberIn(form, 'NumSegments', 100)
  const optedOut = form.get('To')
  return {
    messageId,
    providerMessageId: sid,
    state,
    ...(attempt !== undefined && { attempt }),
    ...(state === 'undelivered' && { reason: failureReason(code) }),
    ...(code !== undefined && { carrierCode: String(code) }),
    ...(code === optedOutCode && Value.Check(E164, optedOut) && { optedOut }),
    ...(segments !== undefined && { segments }),
    ...priceIn(form),
  }
}

function readInbound(form: URLSearchParams): ProviderInbound | Unbelieved {
  const sid = form.get('MessageSid') ?? ''
  const from = form.get('From')
  if (!isSid(sid) || !Value.Check(E164, from)) return 'unreadable'
  // Where Twilio looks for these words itself it says what it found. "Stop.", "opt-out" and "STOP ALL" are meant as they sound.
  const said = [form.get('OptOutType'), form.get('Body')].map((text) =>
    (text ?? '').replace(/[^A-Za-z]/g, '').toUpperCase(),
  )
  return {
    providerMessageId: sid,
    from,
    word: said.map((text) => words.get(text)).find((found) => found !== undefined) ?? 'other',
  }
}

function hasRepeats(params: URLSearchParams): boolean {
  const names = [...params.keys()]
  return new Set(names).size !== names.length
}

function numberIn(params: URLSearchParams, name: string, most: number): number | undefined {
  const text = params.get(name) ?? ''
  const value = Number(text)
  return /^\d{1,6}$/.test(text) && value >= 1 && value <= most ? value : undefined
}

/** Twilio writes what it takes as a negative amount. */
function priceIn(form: URLSearchParams): Pick<ProviderReceipt, 'price' | 'currency'> {
  const price = /^-?(\d{1,5}(?:\.\d{1,6})?)$/.exec(form.get('Price') ?? '')?.[1]
  const currency = (form.get('PriceUnit') ?? '').toUpperCase()
  return price !== undefined && /^[A-Z]{3}$/.test(currency) ? { price, currency } : {}
}
