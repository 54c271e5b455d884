import { AppError } from '@latchkey/kit/app-error'
import {
  BrokenCircuitError,
  bulkhead,
  BulkheadRejectedError,
  circuitBreaker,
  CircuitState,
  handleWhen,
  SamplingBreaker,
} from 'cockatiel'
import type { Logger } from 'pino'
import type { Gauge } from 'prom-client'
import { Pool } from 'undici'

/** One call over a connection of the line: throws an AppError where users refused, and anything else where its answer is none. */
export type Ask<T> = (pool: Pool, signal: AbortSignal) => Promise<T>

/** A way to users for calls of one kind, with connections and a breaker of its own: what goes wrong on it stays on it. */
export interface Line {
  /** What `ask` gives, or what users refused, or `unavailable`: in time, and with the effect `none` where nothing was sent. */
  call<T>(ask: Ask<T>): Promise<T>
  close(): Promise<void>
}

interface LineOptions {
  readonly calls: string
  readonly url: string
  /** From the call to the last byte of the answer, waiting for a connection included. */
  readonly timeoutMs: number
  readonly connections: number
  /** How many may wait for a connection; who comes then is told so at once. */
  readonly waiting: number
  readonly log: Logger
  /** 1 while the breaker keeps calls away. */
  readonly away: Gauge<'calls'>
}

/** More than half of at least five calls of the last 2.5 s: a dead users is found in seconds, one bad replica of three is not one. */
const brokenWhen = { threshold: 0.5, duration: 2_500, minimumRps: 2 }
const probeAfterMs = 500
/** No answer of users is near it; one that never ends must not fill the memory. */
const longestAnswerBytes = 1024 * 1024

/** Nothing was written: the call had no effect. Anything later may have had one. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'])

/** A refusal is an answer as well: thrown, the breaker would not count it as one. */
type Answered<T> = { readonly reply: T } | { readonly refusal: AppError }

/** The one kind of failure that counts: users said nothing that can be read. */
class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  constructor(
    cause: unknown,
    readonly round: number,
  ) {
    super('users gave no answer that can be read', { cause })
  }
}

/** Opens a line. Its breaker asks again with one call every half second while it is open. */
export function createLine({ calls, url, timeoutMs, connections, waiting, log, away }: LineOptions): Line {
  const connect = () => ({
    pool: new Pool(url, {
      connections,
      connect: { timeout: 1_000 },
      keepAliveTimeout: 30_000,
      maxResponseSize: longestAnswerBytes,
    }),
    room: bulkhead(connections, waiting),
  })
  let way = connect()
  const left = new Set<Promise<void>>()
  // Calls of an earlier round come to their ends late, and say nothing about users as it is now.
  let round = 0
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof NoAnswer && error.round === round),
    { breaker: new SamplingBreaker(brokenWhen), halfOpenAfter: probeAfterMs },
  )
  away.set({ calls }, 0)
  watch()

  /** A probe that fails opens the breaker again: nothing new, so nothing is said. */
  function watch(): void {
    let open = false
    breaker.onBreak(() => {
      if (open) return
      open = true
      round += 1
      away.set({ calls }, 1)
      log.warn({ calls }, 'users does not answer: calls are kept away from it')
      renew()
    })
    breaker.onReset(() => {
      open = false
      away.set({ calls }, 0)
      log.info({ calls }, 'users answers again')
    })
  }

  /** Whoever vanished left connections that look alive; each would cost another call its whole time. A probe finds room at once. */
  function renew(): void {
    const old = way.pool.close().finally(() => left.delete(old))
    left.add(old)
    way = connect()
  }

  async function attempt<T>(ask: Ask<T>, began: number, signal: AbortSignal): Promise<Answered<T>> {
    if (began !== round || signal.aborted) throw notSent()
    try {
      return { reply: await ask(way.pool, signal) }
    } catch (error) {
      if (error instanceof AppError) return { refusal: error }
      throw new NoAnswer(error, began)
    }
  }

  return {
    async call(ask) {
      // Others would wait for what becomes of the probe, which may take its whole time.
      if (breaker.state === CircuitState.HalfOpen) throw notSent()
      const began = round
      // A timer that is cleared costs a twentieth of AbortSignal.timeout, which stays behind until it runs out.
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(new Error(`users gave no answer within ${timeoutMs} ms`)), timeoutMs)
      try {
        const answered = await breaker.execute(() => way.room.execute(() => attempt(ask, began, late.signal)))
        if ('refusal' in answered) throw answered.refusal
        return answered.reply
      } catch (error) {
        throw asUnavailable(error)
      } finally {
        clearTimeout(timer)
      }
    },
    async close() {
      await Promise.all([way.pool.close(), ...left])
    },
  }
}

function asUnavailable(error: unknown): unknown {
  if (error instanceof BrokenCircuitError || error instanceof BulkheadRejectedError) return notSent(error)
  if (!(error instanceof NoAnswer)) return error
  const { code } = error.cause as { code?: unknown }
  const effect = typeof code === 'string' && neverSent.has(code) ? 'none' : 'unknown'
  return new AppError('unavailable', { cause: error.cause, effect })
}

const notSent = (cause?: unknown): AppError => new AppError('unavailable', { cause, effect: 'none' })
