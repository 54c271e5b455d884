import { setTimeout as sleep } from 'node:timers/promises'
import { type CarrierCall, parseJson } from './carrier.js'
import type { Answer } from './misbehave.js'

export const manners = ['usual', 'lost', 'late', 'duplicated', 'reordered', 'forged', 'replayed', 'repeated'] as const
type Manner = (typeof manners)[number]
/** What `mixed` goes round in: most carriers are well most of the time, and 150 calls for one message are enough now and then. */
const round: readonly Manner[] = [
  ...Array.from({ length: 8 }, () => 'usual' as const),
  ...manners.filter((manner) => manner !== 'usual'),
  ...(['lost', 'late', 'reordered', 'forged', 'replayed'] as const),
]
type Ending = 'delivered' | 'undelivered' | 'failed'

/** How a stand-in reports about messages to a number. It stays ordered until another order comes. */
export interface ReceiptOrder {
  /** `*` for every number without an order of its own. */
  readonly to: string
  readonly ending: Ending
  /** `forged` lies before it tells the truth; of `repeated` no receipt can be believed; `mixed` takes one after the other, and lets every third message not arrive. */
  readonly how: Manner | 'mixed'
  /** The carrier's code of a message that does not arrive. */
  readonly code: number
  /** Before the first receipt, and between two. */
  readonly ms: number
  /** Where it reports, for carriers that are not told with each message. */
  readonly url?: string
}

/** What was told of one message, and how each call was answered; 0 where nobody did. */
export interface Told {
  readonly sid: string
  readonly to: string
  readonly ending: Ending
  readonly how: Manner
  readonly answers: number[]
  /** True once nothing more will be told. */
  done: boolean
}

/** One call of a webhook. */
export interface Call {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How a call that reports is spoiled: by somebody else, or saying something else as well. */
export interface Spoilt {
  readonly forged?: boolean
  readonly contradiction?: string
}

interface Taken {
  readonly sid: string
  readonly to: string
}

/** How a carrier says that a message has this status; undefined where it cannot tell anybody. */
export type CallOf<A extends Taken> = (
  accept: A,
  status: string,
  order: ReceiptOrder,
  spoilt: Spoilt,
) => Call | undefined

/** What the connection overrides in the fragment of our URLs ask of Twilio. */
const mostTries = 6
const copies = 50
/** How long a late receipt of `mixed` waits at least. */
const lateMs = 1_000

/** Calls a webhook as Twilio does, and comes again while it cannot be taken. */
export async function callWebhook({
  url,
  headers,
  body,
}: Call): Promise<{ status: number; type: string; text: string }> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, { method: 'POST', headers, body })
      .then(async (response) => ({
        status: response.status,
        type: response.headers.get('content-type') ?? '',
        text: await response.text(),
      }))
      .catch(() => ({ status: 0, type: '', text: '' }))
    if ((answer.status > 0 && answer.status < 500) || tries === mostTries) return answer
    await sleep(250 * 2 ** tries)
  }
}

/** Reports what became of messages, as it is ordered; without an order nothing is reported. */
export function createReceipts<A extends Taken>(callOf: CallOf<A>) {
  const orders = new Map<string, ReceiptOrder>()
  const told: Told[] = []
  let mixed = 0

  /** The calls of one message, those of a group at once. */
  function callsOf(accept: A, order: ReceiptOrder, how: Manner): (Call | undefined)[][] {
    const { ending } = order
    const lie = ending === 'delivered' ? 'undelivered' : 'delivered'
    const of = (status: string, spoilt: Spoilt = {}) => callOf(accept, status, order, spoilt)
    const usual = ['queued', 'sent', ending].map((status) => [of(status)])
    switch (how) {
      case 'usual':
        return usual
      case 'lost':
        return []
      case 'late':
        return [[of(ending)]]
      case 'duplicated':
        return usual.map((group) => Array.from({ length: copies }, () => group).flat())
      case 'reordered':
        return [...usual].reverse()
      case 'forged':
        return [[of(lie, { forged: true })], ...usual]
      case 'replayed':
        return [...usual, ...usual]
      case 'repeated':
        return [[of(ending, { contradiction: lie })]]
    }
  }

  async function report(accept: A, order: ReceiptOrder, how: Manner): Promise<void> {
    const { sid, to } = accept
    const entry: Told = { sid, to, ending: order.ending, how, answers: [], done: false }
    told.push(entry)
    for (const group of callsOf(accept, order, how)) {
      await sleep(order.ms)
      const answers = await Promise.all(group.flatMap((call) => (call === undefined ? [] : [callWebhook(call)])))
      entry.answers.push(...answers.map(({ status }) => status))
    }
    entry.done = true
  }

  function next(order: ReceiptOrder): ReceiptOrder & { how: Manner } {
    if (order.how !== 'mixed') return { ...order, how: order.how }
    const how = round[mixed % round.length] ?? 'usual'
    mixed += 1
    const ms = how === 'late' ? Math.max(lateMs, order.ms) : order.ms
    return { ...order, how, ms, ending: mixed % 3 === 0 ? 'undelivered' : 'delivered' }
  }

  return {
    /** To be called with everything that was taken. */
    reportOn(accept: A): void {
      const order = orders.get(accept.to) ?? orders.get('*')
      if (order === undefined) return
      const { how, ...what } = next(order)
      void report(accept, { ...what, how }, how)
    },
    /** POST /receipts orders them, GET /receipts tells what was told; undefined for other calls. */
    control({ method, path, query, body }: CarrierCall): Answer | undefined {
      if (path !== '/receipts') return undefined
      if (method === 'GET') {
        const to = query.get('to')
        return { status: 200, body: told.filter((entry) => to === null || entry.to === to) }
      }
      const order = readReceiptOrder(parseJson(body))
      if (order === undefined) return { status: 400, body: { message: 'this order is not understood' } }
      orders.set(order.to, order)
      return { status: 201, body: order }
    },
  }
}

/** The order in a request's JSON; undefined where it cannot be read. */
function readReceiptOrder(json: unknown): ReceiptOrder | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { to = '*', ending = 'delivered', how = 'usual', code = 30003, ms = 20, url } = json as Record<string, unknown>
  const manner = how === 'mixed' ? how : manners.find((candidate) => candidate === how)
  if (manner === undefined || typeof to !== 'string') return undefined
  if (ending !== 'delivered' && ending !== 'undelivered' && ending !== 'failed') return undefined
  return { to, ending, how: manner, code: Number(code), ms: Number(ms), ...(typeof url === 'string' && { url }) }
}
