import { randomInt } from 'node:crypto'
import { decoyPrefix, type DeliveryReason, type DeliveryState } from '@latchkey/contracts/delivery'
import { deliveryRanks } from '@latchkey/contracts/v1/delivery-ranks'
import type { DeliveryAttempt, Receipt } from '@latchkey/contracts/queues/delivery-event'
import type { Trx } from '../database.js'
import * as receipts from './receipts.repository.js'

/** What the receipts of a message come to, as far as its attempts are known. */
export interface Finding {
  readonly state: DeliveryState
  readonly reason: DeliveryReason | null
  readonly at: Date
}

type Story = Awaited<ReturnType<typeof receipts.findStory>>
type Told = Story['receipts'][number]
type Attempt = Story['attempts'][number]

/** A receipt names its attempt, or is found by the carrier's id. */
const isAbout =
  ({ attempt, provider, provider_message_id: sid }: Told) =>
  (candidate: Attempt) =>
    candidate.provider === provider &&
    (attempt === null ? candidate.provider_message_id === sid : candidate.number === attempt)

/** Writes a receipt down, whether or not its message is known. */
export async function keepReceipt(trx: Trx, receipt: Receipt & { readonly messageId: string }): Promise<void> {
  await receipts.upsertReceipt(trx, {
    provider: receipt.provider,
    provider_message_id: receipt.providerMessageId,
    message_id: receipt.messageId,
    attempt: receipt.attempt ?? null,
    state: receipt.state,
    rank: deliveryRanks[receipt.state],
    reason: receipt.reason ?? null,
    carrier_code: receipt.carrierCode ?? null,
    says: receipt.says ?? null,
    segments: receipt.segments ?? null,
    price: receipt.price ?? null,
    currency: receipt.currency ?? null,
    at: new Date(receipt.at),
  })
}

/** Joins the receipts of a message with those of its attempts that are known; says what they come to, undefined where to nothing yet, and when the first attempt ended. */
export async function joinReceipts(
  trx: Trx,
  messageId: string,
): Promise<{ finding: Finding | undefined; oldest: Date | undefined }> {
  const story = await receipts.findStory(trx, messageId)
  for (const told of story.receipts) {
    const attempt = story.attempts.find(isAbout(told))
    if (attempt === undefined) continue
    const { provider, provider_message_id: sid } = told
    await receipts.joinReceipt(trx, { messageId, number: attempt.number, provider, sid })
  }
  return { finding: findingOf(story), oldest: oldestOf(story.attempts.map(({ ended_at: at }) => at)) }
}

/** The earliest of some times. */
export const oldestOf = (times: readonly Date[]): Date | undefined =>
  times.length === 0 ? undefined : new Date(Math.min(...times.map((at) => at.getTime())))

/** One copy that arrived is enough; that nothing will arrive is only certain once it is said of every attempt that may have been taken. */
function findingOf({ receipts: told, attempts }: Story): Finding | undefined {
  const arrived = told.find(({ state }) => state === 'delivered')
  if (arrived !== undefined) return { state: 'delivered', reason: null, at: arrived.at }
  const failures = told.filter(({ state }) => state === 'undelivered')
  const possible = attempts.filter(
    (attempt) =>
      attempt.outcome === 'accepted' ||
      attempt.outcome === 'unknown' ||
      told.some((receipt) => isAbout(receipt)(attempt)),
  )
  const lost = (attempt: Attempt) => failures.some((failure) => isAbout(failure)(attempt))
  const last = failures.at(-1)
  if (last !== undefined && possible.length > 0 && possible.every(lost))
    return { state: 'undelivered', reason: last.reason, at: last.at }
  const [first] = told
  return first === undefined ? undefined : { state: 'accepted', reason: null, at: first.at }
}

const settleMs = 30_000
const memoryMs = 24 * 3_600_000
const latest = 100

/**
 * A message for nobody fares as one of the latest real ones of its provider did, chosen by lot: who waits for its receipt
 * cannot tell it from a real one. Of a provider that sends no receipts it gets none. Real ones are those that somebody answered,
 * as long as there are any: else who has messages sent to numbers of his choice would choose how decoys fare.
 */
export async function playReceipt(
  trx: Trx,
  { messageId, country, attempt }: { messageId: string; country: string; attempt: DeliveryAttempt },
  now: Date,
): Promise<void> {
  const { provider, outcome, providerMessageId, endedAt } = attempt
  if (!provider.startsWith(decoyPrefix) || outcome !== 'accepted' || providerMessageId === undefined) return
  const wanted = {
    provider: provider.slice(decoyPrefix.length),
    from: new Date(now.getTime() - memoryMs),
    // The youngest still wait for theirs.
    to: new Date(now.getTime() - settleMs),
    most: latest,
  }
  const proved = await receipts.findFates(trx, { ...wanted, proved: true })
  const fates = proved.length > 0 ? proved : await receipts.findFates(trx, { ...wanted, proved: false })
  const near = fates.filter((fate) => fate.country === country)
  const choice = near.length > 0 ? near : fates
  const fate = choice[choice.length === 0 ? 0 : randomInt(choice.length)]
  if (fate?.state !== 'delivered' || fate.at === null) return
  const tookMs = Math.max(0, fate.at.getTime() - fate.ended_at.getTime())
  await receipts.insertPlayed(trx, {
    provider,
    provider_message_id: providerMessageId,
    message_id: messageId,
    state: 'delivered',
    at: new Date(Date.parse(endedAt) + tookMs),
  })
}
