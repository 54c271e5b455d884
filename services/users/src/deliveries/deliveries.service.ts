import { deliveryRanks, type DeliveryState } from '@latchkey/contracts/delivery'
import type { ReplyOf } from '@latchkey/contracts/endpoint'
import type { getDelivery } from '@latchkey/contracts/internal/users'
import type { DeliveryEvent } from '@latchkey/contracts/queues/delivery-event'
import { type Db, inBatches } from '../database.js'
import * as deliveries from './deliveries.repository.js'

/** The delivery log: what became of every message. States only move up. */
export interface Deliveries {
  /** Writes an event down. Twice, late or in another order, it leads to the same rows. */
  record(event: DeliveryEvent): Promise<void>
  find(messageId: string): Promise<ReplyOf<typeof getDelivery>>
  /** Closes what nobody will hear of again; says how many messages. */
  sweep(): Promise<number>
}

const silenceMs = 24 * 3_600_000

export function createDeliveries({ db, now }: { db: Db; now: () => Date }): Deliveries {
  async function close(from: DeliveryState[], to: DeliveryState): Promise<number> {
    const before = new Date(now().getTime() - silenceMs)
    return inBatches((most) => deliveries.closeStale(db, { from, to, rank: deliveryRanks[to], before, most }))
  }

  return {
    async record({ messageId, attempt, at, state, ...event }) {
      await db.transaction().execute(async (trx) => {
        await deliveries.upsertMessage(trx, {
          id: messageId,
          challenge_id: event.challengeId,
          generation: event.generation,
          purpose: event.purpose,
          country: event.country,
          request_id: event.requestId,
          state,
          rank: deliveryRanks[state],
          reason: event.reason ?? null,
          first_at: new Date(at),
          last_at: new Date(at),
        })
        if (attempt === undefined) return
        await deliveries.upsertAttempt(trx, {
          message_id: messageId,
          number: attempt.number,
          provider: attempt.provider,
          outcome: attempt.outcome,
          provider_message_id: attempt.providerMessageId ?? null,
          carrier_code: attempt.carrierCode ?? null,
          started_at: new Date(attempt.startedAt),
          ended_at: new Date(attempt.endedAt),
        })
      })
    },
    async find(messageId) {
      const message = await deliveries.findMessage(db, messageId)
      return { state: message?.state ?? null, reason: message?.reason ?? null }
    },
    async sweep() {
      const unheard = await close(['accepted', 'unknown'], 'unconfirmed')
      return unheard + (await close(['queued', 'sending'], 'failed'))
    },
  }
}
