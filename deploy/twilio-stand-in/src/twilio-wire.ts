import type { ServerResponse } from 'node:http'
import type { Accept } from './ledger.js'

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

/** Ends a response with JSON. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers })
    .end(text)
}
