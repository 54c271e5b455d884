import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { orUnavailable } from '@latchkey/kit/redis'
import { redisScript } from '@latchkey/kit/redis-script'
import type { Redis } from '@latchkey/kit/redis'
import type { SendOutcome } from '../providers/provider.js'

/** One call to a provider as the fence knows it. Without a `result` its worker is calling, paused, or dead. */
export interface FencedAttempt {
  readonly number: number
  readonly provider: string
  readonly startedAtMs: number
  readonly result?: SendOutcome & { readonly endedAtMs: number }
}

/** Everything known about the sending of one message, at `nowMs` by the queue's Redis. */
export interface FenceView {
  readonly rev: string
  readonly nowMs: number
  /** Attempts up to this number are in the delivery log. */
  readonly reported: number
  readonly attempts: readonly FencedAttempt[]
}

/** What stands between a job that runs twice and a message that is sent twice. */
export interface AttemptFence {
  read(messageId: string): Promise<FenceView>
  /** Begins the next attempt; undefined where anything happened since `view`. */
  take(
    messageId: string,
    view: FenceView,
    provider: string,
  ): Promise<{ number: number; startedAtMs: number } | undefined>
  /** What is known now, and whether this was written: not where more was known already, or what a finder found belongs to another attempt. */
  record(messageId: string, entry: FenceEntry): Promise<{ readonly written: boolean; readonly view: FenceView }>
  markReported(messageId: string, upTo: number): Promise<void>
}

export interface FenceEntry {
  readonly number: number
  readonly outcome: SendOutcome
  readonly endedAtMs: number
  /** Written by the worker that made the call, or by one that found it. */
  readonly by: 'caller' | 'finder'
}

/** A finished job is kept for an hour and a dead one for a day; nothing can come again after that. */
const keepMs = 24 * 3_600_000
/** No look-up reaches further back. */
const claimMs = 3_600_000

/** On the queue's Redis, so that a job and its fence are lost or kept together. Every method throws `unavailable` where it cannot be asked. */
export function createAttemptFence(redis: Redis): AttemptFence {
  const key = (messageId: string) => `${queuePrefix}:fence:${messageId}`
  const claimKey = (providerMessageId: string) => `${queuePrefix}:sid:${providerMessageId}`
  const read = redisScript<Known>(redis, new URL('./lua/fence_read.1.lua', import.meta.url))
  const take = redisScript<[number, number]>(redis, new URL('./lua/fence_take.1.lua', import.meta.url))
  const record = redisScript<[written: number, ...Known]>(redis, new URL('./lua/fence_record.2.lua', import.meta.url))

  return {
    read: (messageId) =>
      orUnavailable(async () => {
        return toView(await read(key(messageId)))
      }),
    take: (messageId, view, provider) =>
      orUnavailable(async () => {
        const [number, startedAtMs] = await take(key(messageId), view.rev, provider, keepMs)
        return number === 0 ? undefined : { number, startedAtMs }
      }),
    record: (messageId, { number, outcome, endedAtMs, by }) =>
      orUnavailable(async () => {
        const detail = JSON.stringify({ ...outcome, endedAtMs })
        const finder = by === 'finder' ? '1' : '0'
        const claim = outcome.outcome === 'accepted' ? claimKey(outcome.providerMessageId) : key(messageId)
        const attempt = `${messageId}/${number}`
        const about = [number, outcome.outcome, detail, finder, keepMs, attempt, claimMs]
        const [written, ...known] = await record(key(messageId), claim, ...about)
        return { written: written === 1, view: toView(known) }
      }),
    markReported: (messageId, upTo) =>
      orUnavailable(async () => {
        await redis.multi().hset(key(messageId), 'reported', upTo).pexpire(key(messageId), keepMs).exec()
      }),
  }
}

/** `flat` is names and values by turns. */
type Known = [seconds: string, micros: string, flat: string[]]

function toView([seconds, micros, flat]: Known): FenceView {
  const nowMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
  const fields = new Map<string, string | undefined>()
  for (let at = 0; at < flat.length; at += 2) fields.set(flat[at] ?? '', flat[at + 1])
  const attempts = Array.from({ length: Number(fields.get('count') ?? 0) }, (_, index): FencedAttempt => {
    const number = index + 1
    const detail = fields.get(`${number}:detail`)
    return {
      number,
      provider: fields.get(`${number}:provider`) ?? '',
      startedAtMs: Number(fields.get(`${number}:startedAt`)),
      ...(detail !== undefined && { result: JSON.parse(detail) as NonNullable<FencedAttempt['result']> }),
    }
  })
  return { rev: fields.get('rev') ?? '0', nowMs, reported: Number(fields.get('reported') ?? 0), attempts }
}

const firstOf = ({ attempts }: FenceView, is: (result: SendOutcome) => boolean): FencedAttempt | undefined =>
  attempts.find(({ result }) => result !== undefined && is(result))

/** The attempt that no other may follow: a carrier took the message, or nobody will bring it to this recipient. */
export function lastAttempt(view: FenceView): FencedAttempt | undefined {
  return (
    firstOf(view, ({ outcome }) => outcome === 'accepted') ??
    firstOf(view, (result) => result.outcome === 'rejected' && result.elsewhere !== true)
  )
}

/**
 * The attempt that decided the message: it was taken, or refused for good while no other attempt may have led to an SMS. A refusal
 * after which another carrier may still take it decides only once the message is at its `end`.
 */
export function settledAttempt(view: FenceView, { end = false } = {}): FencedAttempt | undefined {
  const last = lastAttempt(view)
  if (last?.result?.outcome === 'accepted') return last
  if (possibleAccepts(view) > 0) return undefined
  return last ?? (end ? firstOf(view, ({ outcome }) => outcome === 'rejected') : undefined)
}

/** Never a third possible accept of one message. */
export const possibleAcceptsMax = 2

/** How many of the attempts may have led, or may yet lead, to an SMS. One that was looked up in vain still counts: lists lag. */
export function possibleAccepts({ attempts }: FenceView): number {
  return attempts.filter(
    ({ result }) => result === undefined || result.outcome === 'accepted' || result.outcome === 'unknown',
  ).length
}
