import type { Session } from '@latchkey/contracts/v1/shapes'
import { type CallName, type CallOptions, type Calls, calls } from './calls.js'
import { createKeeper, isFresh, type Watcher } from './keeper.js'
import { isRefusal, Refusal } from './refusal.js'
import { createSend, type Outgoing } from './send.js'
import { inMemory, type TokenStorage } from './storage.js'
import type { Locks } from './tabs.js'
import { within } from './within.js'

export interface ClientOptions {
  /** Where the gateway is; on a page of its own origin, nothing. */
  readonly baseUrl?: string
  /** `inMemory()` where none is given. */
  readonly storage?: TokenStorage
  /** In which language messages are wanted, as in `Accept-Language`; where none is given, what the browser says. */
  readonly language?: string | (() => string | undefined)
  /** How long a call may take in all. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
  readonly locks?: Locks
}

export interface Client extends Calls {
  /** An access token for your own services, renewed if need be. */
  accessToken(options?: CallOptions): Promise<string>
  /** Tells who is signed in: soon, and whenever that changes, here or in another tab. Gives back what ends it. */
  watch(watcher: Watcher): () => void
  /** Milliseconds since the epoch as the service counts them: for `expiresAt` and `resendAt` on devices whose clock is wrong. */
  now(): number
  /** Other tabs are heard no more. */
  close(): void
}

/** Well within the ten seconds in which the service honours a token that was replaced: what is repeated is answered the same. */
const renewalMs = 8_000
const tolerableSkewMs = 5_000

/** A client of /v1 that keeps one session. */
export function createClient(options: ClientOptions = {}): Client {
  const { storage = inMemory(), language, timeoutMs = 15_000 } = options
  let skewMs = 0
  const send = createSend({
    url: `${(options.baseUrl ?? '').replace(/\/+$/, '')}/v1`,
    fetch: options.fetch ?? ((...args) => globalThis.fetch(...args)),
    language: () => (typeof language === 'function' ? language() : language),
    onDate(ms) {
      const aheadMs = ms - Date.now()
      if (Number.isFinite(ms)) skewMs = Math.abs(aheadMs) > tolerableSkewMs ? aheadMs : 0
    },
  })
  const renew = (refreshToken: string) => {
    const [method, path] = calls.refreshSession
    const outgoing = { method, path, body: { refreshToken }, repeatable: true }
    return within(renewalMs, undefined, async (signal) => {
      const answer = await send(outgoing, signal)
      if (bringsSession(answer)) return answer.session
      throw new Refusal({ code: 'network.failed', detail: 'something else answered' })
    })
  }
  const keeper = createKeeper({
    storage,
    locks: options.locks ?? (typeof navigator === 'undefined' ? undefined : navigator.locks),
    renew,
    longestWaitMs: renewalMs + 1_000,
  })

  /** A token that the service no longer takes is replaced once: nothing was done with it. */
  async function sendAs(
    token: (refused?: string) => Promise<string>,
    outgoing: Outgoing,
    signal: AbortSignal,
  ): Promise<unknown> {
    const accessToken = await token()
    try {
      return await send({ ...outgoing, accessToken }, signal)
    } catch (error) {
      if (!isRefusal(error, 'token.invalid')) throw error
      return send({ ...outgoing, accessToken: await token(accessToken) }, signal)
    }
  }
  async function answerTo(name: CallName, input: object, signal: AbortSignal): Promise<unknown> {
    const [, , along] = calls[name]
    const outgoing = outgoingOf(name, input)
    if (along === 'bearer') return sendAs(keeper.accessToken, outgoing, signal)
    const deviceToken = along === 'device' ? await keeper.deviceToken() : undefined
    const body = deviceToken === undefined ? outgoing.body : { ...(outgoing.body as object), deviceToken }
    return send({ ...outgoing, body }, signal)
  }
  async function call(name: CallName, input: object, signal: AbortSignal): Promise<unknown> {
    const answer = await answerTo(name, input, signal)
    if (name === 'deleteMe') {
      await keeper.end()
      await keeper.forgetDevice()
    }
    if (!bringsSession(answer)) return answer
    // Who no longer waits is not to be signed in.
    signal.throwIfAborted()
    await keeper.adopt(answer.session)
    return { ...answer, session: { id: answer.session.id } }
  }
  const waiting = <T>({ signal, timeoutMs: ms = timeoutMs }: CallOptions, work: (signal: AbortSignal) => Promise<T>) =>
    within(ms, signal, work)

  const methods = Object.fromEntries(
    (Object.keys(calls) as CallName[]).map((name) => [
      name,
      (input: object = {}, options: CallOptions = {}) => waiting(options, (signal) => call(name, input, signal)),
    ]),
  ) as unknown as Calls
  return {
    ...methods,
    refreshSession: (_input, options = {}) => waiting(options, async () => ({ session: await keeper.renew() })),
    endSession: (input = {}, options = {}) =>
      waiting(options, async (signal) => {
        const ended = await keeper.end()
        if (ended === null) return
        const token = async (refused?: string) =>
          isFresh(ended, refused) ? ended.accessToken : (await renew(ended.refreshToken)).accessToken
        await sendAs(token, { ...outgoingOf('endSession', input), keepalive: true }, signal).catch((error: unknown) => {
          // It had ended already; but then the others were not ended with it.
          if (input.all === true || !isRefusal(error, 'token.invalid')) throw error
        })
      }),
    accessToken: (options = {}) => waiting(options, () => keeper.accessToken()),
    watch: keeper.watch,
    now: () => Date.now() + skewMs,
    close: keeper.close,
  }
}

const bringsSession = (answer: unknown): answer is { session: Session } =>
  typeof (answer as { session?: Partial<Session> } | undefined)?.session?.refreshToken === 'string'

/** Puts each field where it belongs: what the path names into the path, the rest into the query of a GET, else into the body. */
function outgoingOf(name: CallName, input: object): Outgoing {
  const [method, path] = calls[name]
  const fields = new Map<string, unknown>(Object.entries(input).filter(([, value]) => value !== undefined))
  const filled = path.replace(/:(\w+)/g, (_whole, field: string) => {
    const value = String(fields.get(field))
    // Dots alone would name another path.
    if (/^\.{0,2}$/.test(value)) throw new TypeError(`${field} of ${name} is no id: ${value}`)
    fields.delete(field)
    return encodeURIComponent(value)
  })
  if (method === 'GET') {
    const query = new URLSearchParams([...fields].map(([field, value]) => [field, String(value)]))
    return { method, path: fields.size === 0 ? filled : `${filled}?${query}`, repeatable: true }
  }
  const body = method === 'DELETE' && fields.size === 0 ? {} : { body: Object.fromEntries(fields) }
  return { method, path: filled, ...body }
}
