import { createHmac } from 'node:crypto'
import { type Call, type CallOf, callWebhook } from './receipts.js'
import type { Accept } from './twilio-wire.js'

interface Credentials {
  readonly accountSid: string
  readonly authToken: string
}

/** A message that a person sends to us. */
export interface Inbound {
  readonly url: string
  readonly from: string
  readonly to: string
  readonly body: string
  readonly sid: string
  readonly forged?: boolean
}

/** Twilio's signature: HMAC-SHA1 of the URL without its fragment and every parameter, by name; a repeated one once. */
function sign(authToken: string, url: string, form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort()
  const text = names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('')
  return createHmac('sha1', authToken).update(`${url}${text}`).digest('base64')
}

function signed(token: string, url: string, form: URLSearchParams): Call {
  return {
    url,
    headers: { 'x-twilio-signature': sign(token, url, form), 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  }
}

/** How Twilio reports on a message, where the message says where. */
export const twilioCalls =
  ({ accountSid, authToken }: Credentials): CallOf<Accept> =>
  ({ statusCallback, sid, to, from }, status, { code }, { forged = false, contradiction }) => {
    if (statusCallback === null) return undefined
    const form = new URLSearchParams({
      AccountSid: accountSid,
      ApiVersion: '2010-04-01',
      From: from ?? '',
      MessageSid: sid,
      MessageStatus: status,
      SmsSid: sid,
      SmsStatus: status,
      To: to,
      ...(status === 'undelivered' || status === 'failed' ? { ErrorCode: String(code) } : {}),
      ...(status === 'delivered' ? { NumSegments: '1', Price: '-0.0075', PriceUnit: 'USD' } : {}),
    })
    if (contradiction !== undefined) form.append('MessageStatus', contradiction)
    return signed(forged ? 'another token' : authToken, statusCallback.split('#', 1)[0] ?? '', form)
  }

/** Somebody texts us: the answer of whoever is called. */
export function textUs({ accountSid, authToken }: Credentials, { url, from, to, body, sid, forged = false }: Inbound) {
  const form = new URLSearchParams({
    AccountSid: accountSid,
    ApiVersion: '2010-04-01',
    Body: body,
    From: from,
    MessageSid: sid,
    NumSegments: '1',
    SmsStatus: 'received',
    To: to,
  })
  return callWebhook(signed(forged ? 'another token' : authToken, url, form))
}
