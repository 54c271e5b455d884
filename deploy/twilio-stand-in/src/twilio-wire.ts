import type { Words } from './misbehave.js'

/** One message that the stand-in took. */
export interface Accept {
  readonly sid: string
  readonly to: string
  readonly from: string | null
  readonly messagingServiceSid: string | null
  readonly body: string
  readonly validityPeriod: number | null
  readonly statusCallback: string | null
  readonly at: string
}

/** A message as Twilio's API shows it. */
export function messageResource(accountSid: string, accept: Accept): Record<string, unknown> {
  const at = new Date(accept.at).toUTCString().replace('GMT', '+0000')
  return {
    sid: accept.sid,
    account_sid: accountSid,
    messaging_service_sid: accept.messagingServiceSid,
    to: accept.to,
    from: accept.from,
    body: accept.body,
    status: accept.messagingServiceSid === null ? 'queued' : 'accepted',
    direction: 'outbound-api',
    num_segments: '1',
    num_media: '0',
    api_version: '2010-04-01',
    date_created: at,
    date_updated: at,
    date_sent: null,
    error_code: null,
    error_message: null,
    price: null,
    price_unit: 'USD',
    uri: `/2010-04-01/Accounts/${accountSid}/Messages/${accept.sid}.json`,
    subresource_uris: {},
  }
}

/** An error as Twilio's API writes it. */
export function twilioError(status: number, code: number, message: string): Record<string, unknown> {
  return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status }
}

/** A page of messages, newest first. */
export function messagePage(accountSid: string, accepts: readonly Accept[]): Record<string, unknown> {
  const uri = `/2010-04-01/Accounts/${accountSid}/Messages.json`
  return {
    messages: accepts.map((accept) => messageResource(accountSid, accept)),
    page: 0,
    page_size: 50,
    start: 0,
    end: Math.max(0, accepts.length - 1),
    uri,
    first_page_uri: uri,
    next_page_uri: null,
    previous_page_uri: null,
  }
}

const error = (status: number, code: number, message: string) => ({ status, body: twilioError(status, code, message) })

/** What goes wrong, as Twilio words it. */
export const twilioWords: Words = {
  unavailable: (quoted) => error(503, 20503, `Service unavailable: ${quoted}`),
  tooFast: (quoted) => error(429, 20429, `Too Many Requests: ${quoted}`),
  refused: (code, quoted) => error(code === 20003 ? 401 : 400, code, `The message is refused: ${quoted}`),
  failed: (quoted) => ({
    status: 200,
    body: twilioError(500, 20500, `An internal server error has occurred: ${quoted}`),
  }),
  nothing: { status: 200, body: messagePage('', []) },
  odd: ({ status, body }) => ({ status, body: { ...(body as object), sid: 'X'.repeat(100) } }),
}
