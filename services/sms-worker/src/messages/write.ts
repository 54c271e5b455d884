import { isEmail } from '@latchkey/contracts/address'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import type { SmsMessage } from '../providers/provider.js'
import type { WriteLetter } from './letter.js'
import type { Render, Sendable } from './render.js'

/** Puts a message into the words of its channel. */
export type Write = (
  message: Sendable,
  purpose: Purpose,
  locale: string,
) => Pick<SmsMessage, 'body'> & Pick<Partial<SmsMessage>, 'letter'>

export function createWrite({ render, writeLetter }: { render: Render; writeLetter: WriteLetter }): Write {
  return (message, purpose, locale) =>
    isEmail(message.to) ? writeLetter(message, purpose, locale) : { body: render(message, purpose, locale) }
}
