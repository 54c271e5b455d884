import { mailboxContext, MailboxEntry, mailboxKey } from '@latchkey/contracts/mailbox-record'
import { orUnavailable } from '@latchkey/kit/redis'
import type { Sealer } from '@latchkey/kit/seal'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'
import type { DevMailbox } from './flows/ports.js'

/** Mail that the worker kept instead of sending, read from where it put it. */
export function createDevMailbox({ redis, sealer }: { redis: Redis; sealer: Sealer }): DevMailbox {
  return {
    async read(to) {
      const boxes = await orUnavailable(() => redis.lrange(mailboxKey, 0, -1))
      const entries = boxes.map((box): unknown => JSON.parse(sealer.open(box, mailboxContext)))
      return entries.filter(
        (entry): entry is MailboxEntry => Value.Check(MailboxEntry, entry) && (to === undefined || entry.to === to),
      )
    },
  }
}
