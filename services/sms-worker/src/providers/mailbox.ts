import { Email } from '@latchkey/contracts/address'
import type { Arrived } from '@latchkey/contracts/dev/feed'
import {
  mailboxContext,
  type MailboxEntry,
  mailboxKey,
  mailboxLength,
  mailboxLifeSeconds,
} from '@latchkey/contracts/mailbox-record'
import type { Sealer } from '@latchkey/kit/seal'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'
import type { SmsProvider } from './provider.js'

interface MailboxOptions {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly onArrived?: (mail: Arrived) => void
}

/** The mailbox of development: mails wait sealed in Redis for /dev/inbox. */
export function createMailbox({ redis, sealer, onArrived }: MailboxOptions): SmsProvider {
  return {
    name: 'mailbox',
    timeoutMs: 1_000,
    endsAs: 'delivered',
    async send({ id, attempt = 1, to, body, letter }) {
      if (!Value.Check(Email, to)) throw new Error('what is no mail came to the mailbox')
      const entry: MailboxEntry = { to, subject: letter?.subject ?? '', body, at: new Date().toISOString() }
      const box = sealer.seal(JSON.stringify(entry), mailboxContext)
      try {
        await redis
          .multi()
          .lpush(mailboxKey, box)
          .ltrim(mailboxKey, 0, mailboxLength - 1)
          .expire(mailboxKey, mailboxLifeSeconds)
          .exec()
        onArrived?.({ kind: 'arrived', channel: 'email', messageId: id, attempt, lane: 'mailbox', ...entry })
        return { outcome: 'accepted', providerMessageId: id }
      } catch {
        return { outcome: 'unknown', carrierCode: 'redis' }
      }
    },
  }
}
