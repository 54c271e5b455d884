import { createHmac } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Accept } from './twilio-wire.js'

export const manners = ['usual', 'lost', 'late', 'duplicated', 'reordered', 'forged', 'replayed', 'repeated'] as const

/** How the stand-in reports about messages to a number. It stays ordered until another order comes. */
export interface ReceiptOrder {
  /** `*` for every number without an order of its own. */
  readonly to: string
  readonly ending: 'delivered' | 'undelivered' | 'failed'
  /** `forged` lies before it tells the truth; of `repeated` no receipt can be believed. */
  readonly how: (typeof manners)[number]
  /** Twilio's error code of a message that does not arrive. */
  readonly code: number
  /** Before the first receipt, and between two. */
  readonly ms: number
}

/** What was told of one message, and how each call was answered; 0 where nobody did. */
export interface Told {
  readonly sid: string
  readonly to: string
  readonly ending: ReceiptOrder['ending']
  readonly how: ReceiptOrder['how']
  readonly answers: number[]
  /** True once nothing more will be told. */
  done: boolean
}

interface Credentials {
  readonly accountSid: string
  readonly authToken: string
}

interface Call {
  readonly url: string
  readonly form: URLSearchParams
  readonly signature: string
}

/** What the connection overrides in the fragment of our URLs ask for. */
const mostTries = 6

/** Twilio's signature: HMAC-SHA1 of the URL without its fragment and every parameter, by name; a repeated one once. */
export function sign(authToken: string, url: string, form: URLSearchParams): string {
  const names = [...new Set(form.keys())].sort()
  const text = names
    .map((name) =>
      [...new Set(form.getAll(name))]
        .sort()
        .map((value) => name + value)
        .join(''),
    )
    .join('')
  return createHmac('sha1', authToken).update(`${url}${text}`).digest('base64')
}

/** Calls a webhook as Twilio does, and comes again while it cannot be taken. */
export async function callWebhook({
  url,
  form,
  signature,
}: Call): Promise<{ status: number; type: string; text: string }> {
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'x-twilio-signature': signature, 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
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
export function createReceipts({ accountSid, authToken }: Credentials) {
  const orders = new Map<string, ReceiptOrder>()
  const told: Told[] = []

  function callOf({ statusCallback, sid, to, from }: Accept, status: string, code: number, token = authToken): Call {
    const url = (statusCallback ?? '').split('#', 1)[0] ?? ''
    const form = new URLSearchParams({
      AccountSid: accountSid,
      ApiVersion: '2010-04-01',
      From: from ?? '',
      MessageSid: sid,
      MessageStatus: status,
      SmsSid: sid,
      SmsStatus: status,
      To: to,
      ...(status === 'undelivered' || status === 'failed' ? { ErrorCode: String(code) } : {}),
      ...(status === 'delivered' ? { NumSegments: '1', Price: '-0.0075', PriceUnit: 'USD' } : {}),
    })
    return { url, form, signature: sign(token, url, form) }
  }

  /** The calls of one message, those of a group at once. */
  function callsOf(accept: Accept, { ending, how, code }: ReceiptOrder): Call[][] {
    const of = (status: string, token?: string) => callOf(accept, status, code, token)
    const usual = ['queued', 'sent', ending].map((status) => [of(status)])
    switch (how) {
      case 'usual':
        return usual
      case 'lost':
        return []
      case 'late':
        return [[of(ending)]]
      case 'duplicated':
        return usual.map((group) => Array.from({ length: 50 }, () => group).flat())
      case 'reordered':
        return [...usual].reverse()
      case 'forged':
        return [[of(ending === 'delivered' ? 'undelivered' : 'delivered', 'another token')], ...usual]
      case 'replayed':
        return [...usual, ...usual]
      case 'repeated': {
        const call = of(ending)
        call.form.append('MessageStatus', ending === 'delivered' ? 'undelivered' : 'delivered')
        return [[{ ...call, signature: sign(authToken, call.url, call.form) }]]
      }
    }
  }

  async function report(accept: Accept, order: ReceiptOrder): Promise<void> {
    const { sid, to } = accept
    const entry: Told = { sid, to, ending: order.ending, how: order.how, answers: [], done: false }
    told.push(entry)
    for (const group of callsOf(accept, order)) {
      await sleep(order.ms)
      const answers = await Promise.all(group.map((call) => callWebhook(call)))
      entry.answers.push(...answers.map(({ status }) => status))
    }
    entry.done = true
  }

  return {
    order: (order: ReceiptOrder) => void orders.set(order.to, order),
    /** To be called with everything that was taken. */
    reportOn(accept: Accept): void {
      const order = orders.get(accept.to) ?? orders.get('*')
      if (order !== undefined && accept.statusCallback !== null) void report(accept, order)
    },
    told: (to?: string): readonly Told[] => told.filter((entry) => to === undefined || entry.to === to),
    /** Somebody texts us: the answer of whoever is called. */
    async text({ url, from, to, body, sid, forged = false }: Inbound) {
      const form = new URLSearchParams({
        AccountSid: accountSid,
        ApiVersion: '2010-04-01',
        Body: body,
        From: from,
        MessageSid: sid,
        NumSegments: '1',
        SmsStatus: 'received',
        To: to,
      })
      return callWebhook({ url, form, signature: sign(forged ? 'another token' : authToken, url, form) })
    },
  }
}

/** A message that a person sends to us. */
export interface Inbound {
  readonly url: string
  readonly from: string
  readonly to: string
  readonly body: string
  readonly sid: string
  readonly forged?: boolean
}

/** The order in a request's JSON; undefined where it cannot be read. */
export function readReceiptOrder(json: unknown): ReceiptOrder | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const { to = '*', ending = 'delivered', how = 'usual', code = 30003, ms = 20 } = json as Record<string, unknown>
  const manner = manners.find((candidate) => candidate === how)
  if (manner === undefined || typeof to !== 'string') return undefined
  if (ending !== 'delivered' && ending !== 'undelivered' && ending !== 'failed') return undefined
  return { to, ending, how: manner, code: Number(code), ms: Number(ms) }
}
