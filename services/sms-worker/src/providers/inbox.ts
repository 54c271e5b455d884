import { setTimeout as sleep } from 'node:timers/promises'
import { isEmail } from '@latchkey/contracts/address'
import { type Ailment, type SandboxLane, sandboxTimeoutMs, slowMs } from '@latchkey/contracts/dev/ailments'
import type { Arrived } from '@latchkey/contracts/dev/feed'
import { inboxContext, InboxEntry, inboxKey, inboxLength, inboxLifeSeconds } from '@latchkey/contracts/inbox-record'
import type { Sealer } from '@latchkey/kit/seal'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'
import type { SmsMessage, SmsProvider } from './provider.js'

interface InboxOptions {
  readonly lane: SandboxLane
  readonly redis: Redis
  readonly sealer: Sealer
  /** What a developer makes this carrier suffer from at the moment. */
  readonly ailing?: (lane: SandboxLane) => Promise<Ailment | undefined>
  readonly onArrived?: (message: Arrived) => void
  readonly timeoutMs?: number
}

/** A carrier of development: messages wait sealed in Redis for /dev/inbox, and it is as ill as a developer makes it. */
export function createInbox({
  lane,
  redis,
  sealer,
  ailing = async () => undefined,
  onArrived,
  timeoutMs = sandboxTimeoutMs,
}: InboxOptions): SmsProvider {
  async function keep({ id, attempt = 1, to, body }: SmsMessage): Promise<string> {
    if (isEmail(to)) throw new Error('mail came to a phone')
    const entry: InboxEntry = { id: `${id}-${attempt}`, lane, to, body, at: new Date().toISOString() }
    const box = sealer.seal(JSON.stringify(entry), inboxContext)
    await redis
      .multi()
      .lpush(inboxKey, box)
      .ltrim(inboxKey, 0, inboxLength - 1)
      .expire(inboxKey, inboxLifeSeconds)
      .exec()
    onArrived?.({ kind: 'arrived', channel: 'sms', messageId: id, attempt, lane, to, body, at: entry.at })
    return entry.id
  }

  return {
    name: lane,
    timeoutMs,
    endsAs: 'delivered',
    async send(message) {
      try {
        const ailment = await ailing(lane)
        if (ailment === 'refuse') return { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'refused' }
        if (ailment === 'slow') await sleep(Math.min(slowMs, timeoutMs))
        const providerMessageId = ailment === 'hang' ? undefined : await keep(message)
        if (ailment === 'hang' || ailment === 'mute') await sleep(timeoutMs)
        if (providerMessageId === undefined || ailment === 'mute')
          return { outcome: 'unknown', carrierCode: 'no-answer' }
        return { outcome: 'accepted', providerMessageId, ...(ailment === 'no_receipts' && { endsOpen: true }) }
      } catch {
        return { outcome: 'unknown', carrierCode: 'redis' }
      }
    },
    async list(to, since) {
      const boxes = await redis.lrange(inboxKey, 0, -1)
      return boxes
        .flatMap((box) => opened(sealer, box))
        .filter((entry) => entry.lane === lane && entry.to === to && Date.parse(entry.at) >= since.getTime())
        .map(({ id, at, body }) => ({ providerMessageId: id, at: new Date(at), body }))
    },
  }
}

/** Nothing where it was sealed with keys that are no more. */
function opened(sealer: Sealer, box: string): InboxEntry[] {
  try {
    const entry: unknown = JSON.parse(sealer.open(box, inboxContext))
    return Value.Check(InboxEntry, entry) ? [entry] : []
  } catch {
    return []
  }
}
