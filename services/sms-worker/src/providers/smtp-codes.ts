import type { SendOutcome } from './provider.js'

/** What a conversation with a mail server broke off with. Its words are not kept: servers repeat addresses in them. */
export interface Broken {
  readonly code?: string | undefined
  readonly responseCode?: number | undefined
  /** The command that was answered. */
  readonly command?: string | undefined
}

/** What our codes mean, in words for operators. */
export const smtpWords: Readonly<Record<string, string>> = {
  EAUTH: 'it does not let us in: user or password are wrong',
  ECONNECTION: 'it broke the connection off, or does not listen',
  ESOCKET: 'it broke the connection off, or does not listen',
  EDNS: 'its address is not known',
  ETIMEDOUT: 'it did not answer in time',
  ETLS: 'it offers no TLS that could be trusted',
  EPROTOCOL: 'its answer cannot be read',
  ended: 'it broke the connection off',
  'smtp-421': 'it is closing, or has too much to do',
  'smtp-450': 'it does not take mail for this mailbox at the moment (greylisting, mostly)',
  'smtp-451': 'it had a fault of its own',
  'smtp-452': 'it has no room at the moment',
  'smtp-550': 'there is no such mailbox, or none for us',
  'smtp-552': 'the mailbox is full',
  'smtp-553': 'it takes no such address',
  'smtp-554': 'it refused the message',
}

/**
 * An answer tells for certain: 4xx, not taken; 5xx, never. Without one it matters whether the server had asked for the message: before,
 * nothing was taken; after, nobody knows.
 */
export function outcomeOf({ code, responseCode, command }: Broken, { begun }: { begun: boolean }): SendOutcome {
  if (responseCode === undefined || responseCode < 400) {
    const carrierCode = code ?? 'ended'
    return begun ? { outcome: 'unknown', carrierCode } : { outcome: 'not_sent', reason: 'carrier_failed', carrierCode }
  }
  const carrierCode = `smtp-${responseCode}`
  if (responseCode < 500) return { outcome: 'not_sent', reason: 'carrier_failed', carrierCode }
  // What it says of us and not of the recipient is ours to mend.
  if (code === 'EAUTH')
    return { outcome: 'not_sent', reason: 'misconfigured', carrierCode, permanent: true, barred: true }
  if (begun) return { outcome: 'rejected', reason: 'mail_refused', carrierCode }
  if (command === 'RCPT TO') return { outcome: 'rejected', reason: 'no_mailbox', carrierCode }
  return { outcome: 'not_sent', reason: 'misconfigured', carrierCode, permanent: true }
}
