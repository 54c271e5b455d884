import type { DeliveryState } from '@latchkey/contracts/delivery'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'
import type { ReplyOf } from '@latchkey/contracts/endpoint'
import type { getDelivery } from '@latchkey/contracts/internal/users'
import type { DeliveryAttempt, DeliveryEvent, Receipt } from '@latchkey/contracts/queues/delivery-event'
import { AppError } from '@latchkey/kit/app-error'
import { isTracing, noteInTraceOf } from '@latchkey/kit/tracing'
import type { Conversions } from '../conversion/conversion.service.js'
import { type Db, inBatches, type Trx } from '../database.js'
import * as deliveries from './deliveries.repository.js'
import * as receipts from './receipts.repository.js'
import { joinReceipts, keepReceipt, oldestOf, playReceipt } from './receipts.service.js'

/** The delivery log: what became of every message. States only move up. */
export interface Deliveries {
  /** Writes an event down. Twice, late or in another order, it leads to the same rows. */
  record(event: DeliveryEvent): Promise<void>
  /** The same of several, together. Throws what went wrong with one of them once the others are written down. */
  recordAll(events: readonly DeliveryEvent[]): Promise<void>
  /**
   * Writes down what a carrier says; where its message is not known yet, it is kept for it. False where it names no message, and none is
   * known by the carrier's own id: it has to come again.
   */
  receive(receipt: Receipt): Promise<boolean>
  find(messageId: string): Promise<ReplyOf<typeof getDelivery>>
  /** The messages of some challenges, in order: what operators are told. */
  log(challengeIds: readonly string[]): Promise<LoggedMessage[]>
  /** The challenge that a message was of, where the message is known. */
  challengeOf(messageId: string): Promise<string | undefined>
  /** Closes what nobody will hear of again, and forgets receipts of what never came; says how many. */
  sweep(): Promise<number>
  /** Deletes the messages of days that are kept no longer, once what came of these days is written down; says how many. */
  forgetOld(): Promise<number>
}

/** A message with its attempts and receipts, each in order. */
export type LoggedMessage = Awaited<ReturnType<typeof deliveries.findLogged>>[number]

const dayMs = 24 * 3_600_000
const silenceMs = dayMs

interface DeliveriesNeeds {
  readonly db: Db
  readonly conversions: Pick<Conversions, 'noteLate' | 'isWrittenUpTo'>
  readonly keptDays: number
  readonly now: () => Date
}

export function createDeliveries({ db, conversions, keptDays, now }: DeliveriesNeeds): Deliveries {
  const traced = isTracing()

  async function close(from: DeliveryState[], to: DeliveryState): Promise<number> {
    const before = new Date(now().getTime() - silenceMs)
    return inBatches((most) => deliveries.closeStale(db, { from, to, rank: deliveryRanks[to], before, most }))
  }

  async function lift(trx: Trx, messageId: string): Promise<void> {
    const { finding, oldest } = await joinReceipts(trx, messageId)
    if (finding !== undefined)
      await deliveries.liftMessage(trx, { id: messageId, ...finding, rank: deliveryRanks[finding.state] })
    await conversions.noteLate(trx, { id: messageId, oldest })
  }

  /** The carrier knows nothing of traces: its word belongs to the request that the message was sent for. */
  async function noteReceipt(messageId: string, { provider, state }: Receipt): Promise<void> {
    const requestId = await deliveries.findRequestOf(db, messageId)
    if (requestId === undefined) return
    noteInTraceOf(requestId, `receipt ${provider}`, { 'latchkey.provider': provider, 'latchkey.state': state })
  }

  const joinLater = (messageId: string): Promise<void> =>
    db.transaction().execute(async (trx) => {
      await receipts.lockMessages(trx, [messageId])
      await lift(trx, messageId)
    })

  /** Says of which messages there are receipts. */
  async function write(to: Db | Trx, events: readonly DeliveryEvent[]): Promise<string[]> {
    const told: string[] = []
    for (const round of inRounds(events)) {
      const attempts = round.flatMap((event) =>
        attemptsOf(event).map((attempt) => attemptRow(event.messageId, attempt)),
      )
      told.push(...(await deliveries.writeMessages(to, round.map(messageRow), attempts)))
    }
    return [...new Set(told)]
  }

  /** All of them, or none. */
  async function together(events: readonly DeliveryEvent[]): Promise<void> {
    await db.transaction().execute(async (trx) => {
      await receipts.lockMessages(
        trx,
        events.map(({ messageId }) => messageId),
      )
      const told = await write(trx, events)
      for (const event of events)
        for (const attempt of attemptsOf(event)) await playReceipt(trx, { ...event, attempt }, now())
      for (const messageId of told) await lift(trx, messageId)
      for (const event of events) {
        const times = [event.at, ...attemptsOf(event).map(({ endedAt }) => endedAt)]
        await conversions.noteLate(trx, { id: event.messageId, oldest: oldestOf(times.map((at) => new Date(at))) })
      }
    })
  }

  async function record(event: DeliveryEvent): Promise<void> {
    // Half of all events say that a message is about to be sent. A receipt that comes at this very moment is found by that of its attempt.
    if (event.state !== 'sending' || attemptsOf(event).length > 0) return together([event])
    for (const messageId of await write(db, [event])) await joinLater(messageId)
  }

  return {
    record,
    async recordAll(events) {
      try {
        await together(events)
      } catch (error) {
        if (error instanceof AppError) throw error
        const ends: PromiseSettledResult<void>[] = []
        // One after another: people who log in need the same connections.
        for (const event of events) ends.push(...(await Promise.allSettled([record(event)])))
        for (const end of ends) if (end.status === 'rejected') throw end.reason
      }
    },
    async receive(receipt) {
      const { provider, providerMessageId } = receipt
      const messageId = receipt.messageId ?? (await receipts.findMessageOf(db, provider, providerMessageId))
      if (messageId === undefined) return false
      await db.transaction().execute(async (trx) => {
        await receipts.lockMessages(trx, [messageId])
        await keepReceipt(trx, { ...receipt, messageId })
        await lift(trx, messageId)
      })
      if (traced) await noteReceipt(messageId, receipt)
      return true
    },
    async find(messageId) {
      const message = await deliveries.findMessage(db, messageId)
      if (message === undefined) return { state: null, reason: null }
      const { state, rank, reason, arrivedAt } = message
      // Of a message for nobody the word that it arrived may still have to wait for its time.
      const arrived = rank < deliveryRanks.delivered && arrivedAt !== null && arrivedAt <= now()
      return arrived ? { state: 'delivered', reason: null } : { state, reason }
    },
    log: (challengeIds) => deliveries.findLogged(db, challengeIds),
    challengeOf: (messageId) => deliveries.findChallengeOf(db, messageId),
    async sweep() {
      const unheard = await close(['accepted', 'unknown'], 'unconfirmed')
      const before = new Date(now().getTime() - silenceMs)
      const parked = await inBatches((most) => receipts.dropParked(db, { before, most }))
      return unheard + parked + (await close(['queued', 'sending'], 'failed'))
    },
    async forgetOld() {
      // Whole days: a day of which half is left would be told as half of what it was.
      const before = new Date(Math.floor(now().getTime() / dayMs - keptDays) * dayMs)
      if (!(await conversions.isWrittenUpTo(before))) return 0
      return inBatches((most) => deliveries.deleteOld(db, { before, most }))
    },
  }
}

const attemptsOf = ({ attempt, others = [] }: DeliveryEvent): readonly DeliveryAttempt[] =>
  attempt === undefined ? others : [attempt, ...others]

/** In rounds in which no message comes twice, for a statement writes no row twice; of one message in its order. */
function inRounds(events: readonly DeliveryEvent[]): DeliveryEvent[][] {
  const rounds: DeliveryEvent[][] = []
  const rounded = new Map<string, number>()
  for (const event of events) {
    const at = rounded.get(event.messageId) ?? 0
    rounded.set(event.messageId, at + 1)
    ;(rounds[at] ??= []).push(event)
  }
  return rounds
}

const messageRow = ({ messageId, state, at, ...event }: DeliveryEvent) => ({
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

const attemptRow = (messageId: string, attempt: DeliveryAttempt) => ({
  message_id: messageId,
  number: attempt.number,
  provider: attempt.provider,
  outcome: attempt.outcome,
  provider_message_id: attempt.providerMessageId ?? null,
  carrier_code: attempt.carrierCode ?? null,
  says: attempt.says ?? null,
  started_at: new Date(attempt.startedAt),
  ended_at: new Date(attempt.endedAt),
})
