import {
  inboxContext,
  type InboxEntry,
  inboxKey,
  inboxLength,
  inboxLifeSeconds,
} from '@latchkey/contracts/inbox-record'
import type { Sealer } from '@latchkey/kit/seal'
import type { Redis } from 'ioredis'
import type { SmsProvider } from './provider.js'

interface InboxOptions {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly production: boolean
}

/** The development inbox: messages wait sealed in Redis for /dev/inbox. Refuses to exist in production. */
export function createInbox({ redis, sealer, production }: InboxOptions): SmsProvider {
  if (production) throw new Error('the inbox is for development only')
  return {
    name: 'inbox',
    timeoutMs: 1_000,
    endsAs: 'delivered',
    async send({ id, to, body }) {
      const entry: InboxEntry = { to, body, at: new Date().toISOString() }
      const box = sealer.seal(JSON.stringify(entry), inboxContext)
      try {
        await redis
          .multi()
          .lpush(inboxKey, box)
          .ltrim(inboxKey, 0, inboxLength - 1)
          .expire(inboxKey, inboxLifeSeconds)
          .exec()
        return { outcome: 'accepted', providerMessageId: id }
      } catch {
        return { outcome: 'unknown', carrierCode: 'redis' }
      }
    },
  }
}
