import { randomUUID } from 'node:crypto'
import { Email } from '@latchkey/contracts/address'
import { E164, lastTwoOf } from '@latchkey/contracts/phone'
import { mostTraced, type TraceEvent, tracedAs, traceJobId, type traceQueue } from '@latchkey/contracts/queues/trace'
import { AppError } from '@latchkey/kit/app-error'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import type { Producer } from '@latchkey/kit/queue'
import { Counter, type Registry } from 'prom-client'
import { Compile } from 'typebox/compile'
import { type AboutRequest, requestInHand } from './request-in-hand.js'

type Named = Pick<TraceEvent, 'phone' | 'lastTwo' | 'email' | 'emailFirst'>
type About = Omit<TraceEvent, 'id' | 'at' | 'requestId' | 'route' | keyof Named>

/** What is to be noted of a decision; the request it was made in is known. */
export interface Note extends About {
  /** Whom it is about, and what a caller typed: only a phone and an e-mail are kept, as keyed hashes. */
  readonly about?: readonly string[]
  /** What repeats itself under the same words is written down once. */
  readonly once?: readonly (string | number)[]
}

/** Tells users what was decided, behind the request: nobody waits for it, and nothing fails with it. */
export interface Trace {
  note(note: Note): void
  /** Sends what is left, once. */
  close(): Promise<void>
}

interface TraceNeeds {
  readonly events: Pick<Producer<typeof traceQueue.payload>, 'add'>
  /** Batches that nobody has taken yet. Throws `unavailable`. */
  readonly countWaiting: () => Promise<number>
  readonly key: Key
  readonly metrics: Registry
  readonly everyMs?: number
  readonly retryMs?: number
  /** Events that are kept while the queue is away. */
  readonly most?: number
  /** Batches that may wait in the queue while nobody takes them: Redis has other things to hold. */
  readonly mostWaiting?: number
}

const lookEveryMs = 1_000

/** Notes go on their queue in batches. They wait, up to a bound, while it is away; what is beyond the bound is counted and lost. */
export function createTrace({
  events,
  countWaiting,
  key,
  metrics,
  everyMs = 250,
  retryMs = 1_000,
  most = 5_000,
  mostWaiting = 10_000,
}: TraceNeeds): Trace {
  const dropped = new Counter({
    name: 'latchkey_trace_dropped_total',
    help: 'Decisions that the trace will not tell of: the queue was away too long, or users took nothing from it',
    registers: [metrics],
  })
  let waiting: TraceEvent[] = []
  let timer: NodeJS.Timeout | undefined
  let sending: Promise<void> | undefined
  let looked = { at: 0, full: false }

  function later(ms: number): void {
    timer ??= setTimeout(() => {
      timer = undefined
      sending ??= send().finally(() => (sending = undefined))
    }, ms).unref()
  }

  /** All that waits, batch by batch. What could not be sent stays first. */
  async function send(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, mostTraced)
      try {
        if (await isFull()) dropped.inc(batch.length)
        else await events.add(traceJobId(randomUUID()), { v: 1, events: batch })
      } catch (error) {
        if (error instanceof AppError) return later(retryMs)
        // What the contract does not take it will not take later either.
        dropped.inc(batch.length)
      }
      waiting = waiting.slice(batch.length)
    }
  }

  async function isFull(): Promise<boolean> {
    if (Date.now() - looked.at > lookEveryMs) {
      const count = await countWaiting()
      looked = { at: Date.now(), full: count >= mostWaiting }
    }
    return looked.full
  }

  return {
    note({ about = [], once, ...note }) {
      const request = requestInHand()
      if (request === undefined) return
      if (waiting.length >= most) return dropped.inc()
      waiting.push({
        ...note,
        ...request,
        ...named(key, about),
        id: idOf(key, request, once),
        at: new Date().toISOString(),
      })
      later(everyMs)
    },
    async close() {
      clearTimeout(timer)
      await sending
      await send()
      clearTimeout(timer)
    },
  }
}

const isPhone = Compile(E164)
const isEmail = Compile(Email)

function named(key: Key, about: readonly string[]): Named {
  const hash = (kind: 'phone' | 'email', address: string) =>
    hmac(key, tracedAs[kind], address).subarray(0, 16).toString('base64url')
  const phone = about.find((text) => isPhone.Check(text))
  const email = about.map((text) => text.replace(/^email:/, '')).find((text) => isEmail.Check(text))
  return {
    ...(isPhone.Check(phone) && { phone: hash('phone', phone), lastTwo: lastTwoOf(phone) }),
    ...(email !== undefined && { email: hash('email', email), emailFirst: email.slice(0, 1) }),
  }
}

/** A UUID of the words that make something the same, else a new one. Keyed: the words may be a phone. */
function idOf(key: Key, { route }: AboutRequest, once: Note['once']): string {
  if (once === undefined) return randomUUID()
  const hex = hmac(key, 'trace/once', route, ...once.map(String)).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
