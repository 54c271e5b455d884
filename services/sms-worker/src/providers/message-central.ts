import parsePhone from 'libphonenumber-js/min'
import { classifyAnswer } from './message-central-codes.js'
import { createMessageCentralHttp, MessageCentralSilence } from './message-central-http.js'
import { createMessageCentralReader } from './message-central-receipts.js'
import { messageCentralWords } from './message-central-words.js'
import { createTokens } from './message-central-token.js'
import { absent, type Carrier, type SendOutcome, type SmsMessage, type SmsProvider, variable } from './provider.js'

export interface MessageCentralOptions {
  readonly customerId: string
  readonly senderId: string
  /** Calling code of the account's country, for its tokens. */
  readonly country: string
  readonly token?: string
  readonly login?: { readonly email: string; readonly password: string }
  readonly baseUrl: string
  /** For a whole call, a new token and connecting included. */
  readonly timeoutMs: number
  readonly connections: number
}

/**
 * MessageCentral with our own texts. It has no idempotency key and no list: what is unknown stays so. Its own codes
 * (VerifyNow) are not used: they would know neither our challenges nor our limits, and no other carrier could take over.
 */
export function createMessageCentral(options: MessageCentralOptions): SmsProvider {
  const { customerId, senderId, country, token, login, timeoutMs } = options
  // Two calls of a quarter each for a token leave half of the time for the message.
  const http = createMessageCentralHttp({
    baseUrl: options.baseUrl,
    connections: options.connections,
    connectMs: timeoutMs / 4,
  })
  const tokens = createTokens({
    http,
    customerId,
    country,
    timeoutMs: timeoutMs / 4,
    ...(token !== undefined && { ready: token }),
    ...(login !== undefined && { login }),
  })

  async function post({ to, body }: SmsMessage, authToken: string, leftMs: number): Promise<SendOutcome> {
    const phone = parsePhone(to)
    if (phone === undefined) return { outcome: 'rejected', reason: 'invalid_number', carrierCode: 'no-country' }
    const query = {
      countryCode: phone.countryCallingCode,
      customerId,
      mobileNumber: phone.nationalNumber,
      flowType: 'SMS',
      type: 'SMS',
      senderId,
      message: body,
    }
    return http
      .call('POST', '/verification/v3/send', query, { token: authToken, timeoutMs: leftMs })
      .then(classifyAnswer, (error: unknown): SendOutcome => outcomeOf(error))
  }

  async function send(message: SmsMessage): Promise<SendOutcome> {
    const end = performance.now() + timeoutMs
    const first = await tokens.get()
    if (!('token' in first)) return withoutToken(first)
    const outcome = await post(message, first.token, end - performance.now())
    // A token that died is refused like a wrong one, and nothing was sent: a new one shows which it was.
    const leftMs = end - performance.now()
    if (login === undefined || !isBarred(outcome) || leftMs < timeoutMs / 2) return outcome
    const second = await tokens.get(first.token)
    if (!('token' in second)) return withoutToken(second)
    return post(message, second.token, end - performance.now())
  }
  return {
    name: 'messagecentral',
    timeoutMs,
    send: (message) => send(message).catch((error: unknown) => outcomeOf(error)),
  }
}

const isBarred = (outcome: SendOutcome) => outcome.outcome === 'not_sent' && outcome.barred === true

function withoutToken(token: { readonly refused: string } | { readonly missing: string }): SendOutcome {
  return 'refused' in token
    ? { outcome: 'not_sent', reason: 'misconfigured', carrierCode: token.refused, permanent: true, barred: true }
    : { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: token.missing }
}

/** Whatever is not understood may have been taken. */
function outcomeOf(error: unknown): SendOutcome {
  if (!(error instanceof MessageCentralSilence)) return { outcome: 'unknown', carrierCode: 'client' }
  return error.written
    ? { outcome: 'unknown', carrierCode: error.code }
    : { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: error.code }
}

/** MessageCentral as a carrier to choose. */
export const messageCentralCarrier: Carrier = {
  name: 'messagecentral',
  variables: {
    MESSAGECENTRAL_AUTH_TOKEN: variable(/^[\x21-\x7e]+$/, 'a token, in one line'),
    MESSAGECENTRAL_PASSWORD: variable(/./, 'the password of the account'),
    MESSAGECENTRAL_EMAIL: variable(/^[^\s@]+@[^\s@]+$/, 'the e-mail address of the account'),
    MESSAGECENTRAL_CUSTOMER_ID: variable(/^[\w-]{3,64}$/, 'like C-0123456789ABCDE'),
    MESSAGECENTRAL_SENDER_ID: variable(/^[A-Za-z0-9]{3,15}$/, '3 to 15 letters and digits'),
    MESSAGECENTRAL_COUNTRY_CODE: variable(/^[1-9]\d{0,2}$/, 'a calling code without +', '91'),
    MESSAGECENTRAL_API_BASE_URL: variable(
      /^https?:\/\/[^/?#]+\/?$/,
      'a URL without a path',
      'https://cpaas.messagecentral.com',
    ),
    MESSAGECENTRAL_RECEIPT_TOKEN: variable(/^[\w-]{32,128}$/, 'at least 32 letters, digits, - and _'),
  },
  credentials: [
    'MESSAGECENTRAL_AUTH_TOKEN',
    'MESSAGECENTRAL_PASSWORD',
    'MESSAGECENTRAL_EMAIL',
    'MESSAGECENTRAL_CUSTOMER_ID',
    'MESSAGECENTRAL_SENDER_ID',
  ],
  words: messageCentralWords,
  missing: (told) => [
    ...absent(told, 'MESSAGECENTRAL_CUSTOMER_ID', 'MESSAGECENTRAL_SENDER_ID'),
    ...(told['MESSAGECENTRAL_AUTH_TOKEN'] === undefined && loginOf(told) === undefined
      ? ['MESSAGECENTRAL_AUTH_TOKEN, or MESSAGECENTRAL_PASSWORD and MESSAGECENTRAL_EMAIL, is missing']
      : []),
  ],
  open: (told, { timeoutMs, connections }) => {
    const { MESSAGECENTRAL_AUTH_TOKEN: token } = told
    const login = loginOf(told)
    return createMessageCentral({
      timeoutMs,
      connections,
      customerId: told['MESSAGECENTRAL_CUSTOMER_ID'] ?? '',
      senderId: told['MESSAGECENTRAL_SENDER_ID'] ?? '',
      country: told['MESSAGECENTRAL_COUNTRY_CODE'] ?? '',
      baseUrl: told['MESSAGECENTRAL_API_BASE_URL'] ?? '',
      ...(token !== undefined && { token }),
      ...(login !== undefined && { login }),
    })
  },
  reader: ({ MESSAGECENTRAL_RECEIPT_TOKEN: token }) =>
    token === undefined ? undefined : createMessageCentralReader(token),
}

function loginOf(told: Readonly<Record<string, string | undefined>>) {
  const { MESSAGECENTRAL_EMAIL: email, MESSAGECENTRAL_PASSWORD: password } = told
  return email === undefined || password === undefined ? undefined : { email, password }
}
