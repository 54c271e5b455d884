import { Refusal } from './refusal.js'

/** Does work for as long as its caller waits: until `signal` aborts, or for `ms`. What the work shares with others goes on without him. */
export async function within<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const stop = () => own.abort(signal?.reason)
  signal?.addEventListener('abort', stop)
  const timer = setTimeout(
    () => own.abort(new Refusal({ code: 'network.timeout', detail: `no answer within ${ms} ms` })),
    ms,
  )
  const stopped = new Promise<void>((resolve) => own.signal.addEventListener('abort', () => resolve()))
  try {
    const worked = work(own.signal)
    await Promise.race([worked, stopped])
    own.signal.throwIfAborted()
    return await worked
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
  }
}
