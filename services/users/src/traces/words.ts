import type { AttemptOutcome, DeliveryReason } from '@latchkey/contracts/delivery'
import type { TraceLimit, TraceMessage } from '@latchkey/contracts/queues/trace'

// What a trace says, for the people who run the service.

export const limitWords: Readonly<Record<TraceLimit, string>> = {
  cooldown: 'it was too soon after the last message to this number or e-mail',
  budget: 'the number or e-mail had all the messages, or wrong answers, that it may have in an hour or a day',
  resends: 'this code was sent as often as it may be',
  network: 'too many wrong guesses came from the network that asked',
  country: 'its country is not served (SMS_COUNTRIES)',
  number_type: 'it is no mobile number',
  no_number: 'there is no such number',
  guard:
    'the guard against pumping refused it: its range, its network or the budget of the day, as latchkey_sends_refused_total tells',
  stopped: 'operators have stopped its country or its purpose: npm run switch',
}

/** What is sent where a code was asked for. */
export const messageWords: Readonly<Record<TraceMessage, string>> = {
  code: 'a code',
  account_exists: 'the number or e-mail has an account already: its owner is told so once a day, and gets no code',
  phone_changed: 'a notice that an account has another phone',
  email_changed: 'a notice that an account has another e-mail',
  decoy: 'no account can be reached by it: nothing is sent, and nobody who asks can tell (a decoy)',
}

export const reasonWords: Readonly<Record<DeliveryReason, string>> = {
  invalid_number: 'it is not a working number',
  not_mobile: 'the number cannot receive text messages',
  unreachable: 'the phone could not be reached: it is off, or has no signal',
  opted_out: 'the number has told us, or the carrier, STOP: only a START from it helps',
  blocked: 'the carrier blocked the message',
  carrier_failed: 'no carrier could take it',
  no_mailbox: 'the mail server says that there is no such mailbox',
  mail_refused: 'the mail server refused the message: its content, or us',
  misconfigured: 'our credentials, sender or region are not in order at the carrier: that is ours to mend',
  stopped: 'operators have stopped what was to be sent: npm run switch',
}

export const outcomeWords: Readonly<Record<AttemptOutcome, string>> = {
  accepted: 'took it',
  rejected: 'refused the recipient',
  not_sent: 'did not take it',
  unknown: 'gave no answer that can be read: it may have gone out',
}

/** 83 → `83 ms`, 4210 → `4.2 s`, 125000 → `2 min 5 s`. */
export function inWords(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min${seconds % 60 === 0 ? '' : ` ${seconds % 60} s`}`
}
