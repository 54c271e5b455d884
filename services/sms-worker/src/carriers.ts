import { messageCentralCarrier } from './providers/message-central.js'
import type { Carrier } from './providers/provider.js'
import { smtpWords } from './providers/smtp-codes.js'
import { twilioCarrier } from './providers/twilio.js'

/** Every carrier there is, in the order in which they are tried where nothing else is said. */
export const carriers: readonly Carrier[] = [twilioCarrier, messageCentralCarrier]

/** Codes of ours, where a carrier gave none. */
const ours: Readonly<Record<string, string>> = {
  'no-sid': 'it answered without the id of a message',
  'no-id': 'it answered without the id of a message',
  unreadable: 'its answer cannot be read',
  'not-called': 'it was not asked: the code ended, or the lane closed, before its turn',
  'no-carrier': 'no carrier is configured',
  'no-answer': 'it did not answer in time',
  refused: 'it takes nothing at the moment',
  ECONNREFUSED: 'it does not listen',
  ECONNRESET: 'it broke the connection off',
  ENOTFOUND: 'its address is not known',
  UND_ERR_CONNECT_TIMEOUT: 'it could not be connected to in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'it did not finish its answer in time',
  UND_ERR_SOCKET: 'it broke the connection off',
}

/** What a code of an attempt or a receipt means, in words for operators; undefined where nobody says. */
export function explain(provider: string, code: string): string | undefined {
  const status = /^http-(\d{3})$/.exec(code)?.[1]
  const words = provider === 'smtp' ? smtpWords : (carriers.find(({ name }) => name === provider)?.words ?? {})
  return words[code] ?? ours[code] ?? (status === undefined ? undefined : `it answered with HTTP ${status}`)
}
