import { InboxEntry, inboxContext, inboxKey } from '@latchkey/contracts/inbox-record'
import { orUnavailable } from '@latchkey/kit/redis'
import type { Sealer } from '@latchkey/kit/seal'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'
import type { DevInbox } from '../flows/ports.js'

/** Messages that the worker kept instead of sending, read from where it put them. */
export function createDevInbox({ redis, sealer }: { redis: Redis; sealer: Sealer }): DevInbox {
  return {
    async read(to) {
      const boxes = await orUnavailable(() => redis.lrange(inboxKey, 0, -1))
      const entries = boxes.map((box): unknown => JSON.parse(sealer.open(box, inboxContext)))
      return entries.filter(
        (entry): entry is InboxEntry => Value.Check(InboxEntry, entry) && (to === undefined || entry.to === to),
      )
    },
  }
}
