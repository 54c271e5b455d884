import { feedKey, feedLength, feedLifeSeconds } from '@latchkey/contracts/dev/feed'
import type { Scope } from '@latchkey/kit/run'
import type { Sealer } from '@latchkey/kit/seal'
import { createSealedStream } from '@latchkey/kit/sealed-stream'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import type { DevCarriers, DevFeed, DevInbox, SmsQueue } from '../flows/ports.js'
import { createDevCarriers } from './carriers.js'
import { createDevFeed } from './feed.js'
import { createDevInbox } from './inbox.js'

interface PhoneNeeds {
  readonly redis: Redis
  readonly sealer: Sealer
  readonly prefix: string
  /** A connection on which to wait; opened once somebody looks. */
  readonly patient: () => Redis
  readonly scope: Pick<Scope, 'defer'>
  readonly log: Logger
}

/** The phone in the box, as far as Redis is concerned: what came in, what is happening, and the carriers to be made ill. */
export interface DevPhone {
  readonly inbox: DevInbox
  readonly feed: DevFeed
  readonly carriers: DevCarriers
  /** The same queue, looked at. */
  watched(sms: SmsQueue): SmsQueue
}

export function createDevPhone({ redis, sealer, prefix, patient, scope, log }: PhoneNeeds): DevPhone {
  const bounds = { sealer, key: feedKey(prefix), length: feedLength, lifeSeconds: feedLifeSeconds }
  const feed = createDevFeed({ writer: createSealedStream({ redis, ...bounds }), bounds, connect: patient, log })
  scope.defer('feed', feed.close)
  return {
    inbox: createDevInbox({ redis, sealer }),
    feed,
    carriers: createDevCarriers({ redis, prefix, note: feed.note }),
    watched: (sms) => ({
      ...sms,
      async send(message, caller) {
        const at = new Date().toISOString()
        await sms.send(message, caller)
        const { messageId, purpose, country } = message
        feed.note({ kind: 'queued', messageId, purpose, country, at })
      },
    }),
  }
}
