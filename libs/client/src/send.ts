import { Refusal, refusalOf } from './refusal.js'

export interface Outgoing {
  readonly method: string
  /** Below /v1. */
  readonly path: string
  readonly body?: unknown
  readonly accessToken?: string
  /** To be sent even if the page goes away. */
  readonly keepalive?: boolean
  /** Doing it twice does what doing it once does: it is sent again where no answer came. */
  readonly repeatable?: boolean
}

/** One call of the service, and its answer. Throws a `Refusal`, or what `signal` was aborted with. */
export type Send = (outgoing: Outgoing, signal: AbortSignal) => Promise<unknown>

interface SendNeeds {
  readonly url: string
  readonly fetch: typeof fetch
  readonly language: () => string | undefined
  /** Told the service's clock with every answer that says it. */
  readonly onDate: (ms: number) => void
}

const mostSends = 3
const firstPauseMs = 250
/** Whoever is told to wait longer decides himself. */
const longestPauseMs = 3_000

/** Speaks HTTP, and sends what may be repeated again after a short pause. */
export function createSend({ url, fetch, language, onDate }: SendNeeds): Send {
  async function sendOnce({ method, path, body, accessToken, keepalive }: Outgoing, signal: AbortSignal) {
    const spoken = language()
    const response = await fetch(url + path, {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
        ...(spoken !== undefined && { 'accept-language': spoken }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(keepalive && { keepalive }),
      // The service never redirects: who does stands in between, and shall not get the tokens.
      redirect: 'error',
      signal,
    })
    onDate(Date.parse(response.headers.get('date') ?? ''))
    if (!response.ok) throw await refusalOf(response)
    if (response.status === 204) return undefined
    // What is no JSON is a page of somebody in between.
    return (await response.json()) as unknown
  }

  return async function send(outgoing, signal) {
    for (let turn = 0; ; turn += 1) {
      const refusal = await sendOnce(outgoing, signal).then(
        (answer) => ({ answer }),
        (error: unknown) => {
          signal.throwIfAborted()
          return error instanceof Refusal ? error : new Refusal({ code: 'network.failed', cause: error })
        },
      )
      if (!(refusal instanceof Refusal)) return refusal.answer
      const pauseMs = refusal.retryInMs ?? firstPauseMs * 2 ** turn * (1 + Math.random())
      const passes = refusal.code === 'network.failed' || refusal.code === 'unavailable'
      if (!outgoing.repeatable || !passes || turn + 1 === mostSends || pauseMs > longestPauseMs) throw refusal
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      signal.throwIfAborted()
    }
  }
}
