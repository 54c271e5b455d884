import twilio from 'twilio'
import { absent, type Carrier, type SendOutcome, type SmsMessage, type SmsProvider, variable } from './provider.js'
import { classifyRefusal } from './twilio-codes.js'
import { createTwilioHttp, TwilioRefusal, TwilioSilence } from './twilio-http.js'
import { createTwilioReader, statusCallback } from './twilio-receipts.js'
import { isSid } from './twilio-sid.js'
import { twilioWords } from './twilio-words.js'

export interface TwilioOptions {
  readonly accountSid: string
  readonly authToken: string
  /** A number of ours, or a messaging service that picks one. */
  readonly sender: { readonly from: string } | { readonly messagingServiceSid: string }
  readonly baseUrl: string
  /** Where Twilio reports what became of a message; the ids of message and attempt are added. */
  readonly receiptsUrl?: string
  /** For a whole call, connecting included. */
  readonly timeoutMs: number
  readonly connections: number
}

/** Its list is documented to filter by days; the exact time is compared here. */
const dayMs = 86_400_000

/** Twilio's Messages API through its SDK. It has no idempotency key: what is unknown is looked up by number, sender and time. */
export function createTwilio({ timeoutMs, sender, receiptsUrl, ...options }: TwilioOptions): SmsProvider {
  const http = createTwilioHttp({ baseUrl: options.baseUrl, timeoutMs, connections: options.connections })
  const client = twilio(options.accountSid, options.authToken, { httpClient: http })

  async function create({ id, attempt, to, body, lifeMs }: SmsMessage): Promise<SendOutcome> {
    const { sid } = await client.messages.create({
      ...sender,
      to,
      body,
      validityPeriod: Math.min(36_000, Math.max(1, Math.floor(lifeMs / 1_000))),
      ...(receiptsUrl !== undefined && { statusCallback: statusCallback(receiptsUrl, id, attempt) }),
    })
    // 2xx with an error inside has no sid; whether anything was taken, nobody said.
    return typeof sid === 'string' && isSid(sid)
      ? { outcome: 'accepted', providerMessageId: sid }
      : { outcome: 'unknown', carrierCode: 'no-sid' }
  }
  return {
    name: 'twilio',
    timeoutMs,
    send: (message) => create(message).catch(outcomeOf),
    async list(to, since) {
      const found = await client.messages.list({ to, dateSentAfter: new Date(since.getTime() - dayMs), limit: 50 })
      const fromUs = (candidate: (typeof found)[number]) =>
        'from' in sender ? candidate.from === sender.from : candidate.messagingServiceSid === sender.messagingServiceSid
      return found
        .filter((candidate) => isSid(candidate.sid) && fromUs(candidate) && candidate.dateCreated >= since)
        .map(({ sid, dateCreated, body }) => ({ providerMessageId: sid, at: dateCreated, body: body ?? '' }))
    },
  }
}

/** Whatever is not understood may have been taken. */
function outcomeOf(error: unknown): SendOutcome {
  if (error instanceof TwilioRefusal) return classifyRefusal(error)
  if (!(error instanceof TwilioSilence)) return { outcome: 'unknown', carrierCode: 'sdk' }
  return error.written
    ? { outcome: 'unknown', carrierCode: error.code }
    : { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: error.code }
}

/** Twilio as a carrier to choose. */
export const twilioCarrier: Carrier = {
  name: 'twilio',
  variables: {
    TWILIO_ACCOUNT_SID: variable(/^AC[0-9a-fA-F]{32}$/, 'AC and 32 hex digits'),
    TWILIO_AUTH_TOKEN: variable(/./, 'the token of the account'),
    TWILIO_PHONE_NUMBER: variable(/^\+[1-9]\d{6,14}$/, 'a number like +15005550006'),
    TWILIO_MESSAGING_SERVICE_SID: variable(/^MG[0-9a-fA-F]{32}$/, 'MG and 32 hex digits'),
    TWILIO_API_BASE_URL: variable(/^https?:\/\/[^/?#]+\/?$/, 'a URL without a path', 'https://api.twilio.com'),
  },
  credentials: ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_PHONE_NUMBER', 'TWILIO_MESSAGING_SERVICE_SID'],
  words: twilioWords,
  missing: (told) => [
    ...absent(told, 'TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN'),
    ...(told['TWILIO_PHONE_NUMBER'] === undefined && told['TWILIO_MESSAGING_SERVICE_SID'] === undefined
      ? ['TWILIO_PHONE_NUMBER or TWILIO_MESSAGING_SERVICE_SID is missing']
      : []),
  ],
  open: (told, needs) => {
    const { TWILIO_MESSAGING_SERVICE_SID: messagingServiceSid, TWILIO_PHONE_NUMBER: from = '' } = told
    return createTwilio({
      ...needs,
      accountSid: told['TWILIO_ACCOUNT_SID'] ?? '',
      authToken: told['TWILIO_AUTH_TOKEN'] ?? '',
      sender: messagingServiceSid === undefined ? { from } : { messagingServiceSid },
      baseUrl: told['TWILIO_API_BASE_URL'] ?? '',
    })
  },
  reader: (told, publicUrl) => createTwilioReader({ authToken: told['TWILIO_AUTH_TOKEN'] ?? '', publicUrl }),
}
