import type { Session } from '@latchkey/contracts/v1/shapes'
import { isRefusal, Refusal } from './refusal.js'
import type { TokenStorage } from './storage.js'
import { createTabs, type Locks, type Tabs } from './tabs.js'

/** A session as it is stored. */
export interface KeptSession {
  readonly id: string
  readonly accessToken: string
  readonly refreshToken: string
  /** By the clock of this device. */
  readonly freshUntilMs: number
}

/** Told who is signed in, `null` for nobody. */
export type Watcher = (session: { readonly id: string } | null) => void

export interface Keeper {
  /** Somebody signed in. */
  adopt(session: Session): Promise<void>
  /** An access token that is still good for a while, and not the one that was refused. Throws `token.invalid` where nobody is signed in. */
  accessToken(refused?: string): Promise<string>
  /** The same at once, however good the present one is. */
  renew(): Promise<{ id: string }>
  /** Nobody is signed in here any more; says who was. */
  end(): Promise<KeptSession | null>
  deviceToken(): Promise<string | undefined>
  forgetDevice(): Promise<void>
  watch(watcher: Watcher): () => void
  close(): void
}

interface KeeperNeeds {
  readonly storage: TokenStorage
  readonly locks: Locks | undefined
  readonly renew: (refreshToken: string) => Promise<Session>
  /** How long another tab's renewal is waited for. */
  readonly longestWaitMs: number
}

/** Whether an access token may be sent, or must be renewed first. */
export const isFresh = (kept: KeptSession, refused?: string): boolean =>
  kept.accessToken !== refused && kept.freshUntilMs > Date.now()

const alone: Tabs = { alone: (work) => work(), announce: () => undefined, close: () => undefined }

/**
 * Keeps the one session of this client and all that share its storage. What is stored is read anew for each use, so that nobody goes
 * on with a token that another tab has replaced.
 */
export function createKeeper({ storage, locks, renew, longestWaitMs }: KeeperNeeds): Keeper {
  const watchers = new Map<Watcher, string | null | undefined>()
  let writes = 0
  let renewal: Promise<KeptSession> | undefined
  const tabs =
    storage.sharedAs === undefined
      ? alone
      : createTabs({ name: `latchkey:${storage.sharedAs}`, locks, heard: () => look(), longestWaitMs })

  function tell(id: string | null) {
    for (const [watcher, told] of watchers) {
      if (told === id) continue
      watchers.set(watcher, id)
      queueMicrotask(() => watchers.has(watcher) && watcher(id === null ? null : { id }))
    }
  }
  async function read(): Promise<KeptSession | null> {
    const asOf = writes
    const kept = parsed(await storage.get('session'))
    // A slow storage may answer what was there before the last write.
    if (asOf === writes) tell(kept?.id ?? null)
    return kept
  }
  /** What cannot be read says that nobody is signed in. */
  const look = () => void read().catch(() => tell(null))
  async function write(session: Session): Promise<KeptSession> {
    const { id, accessToken, refreshToken, expiresIn, deviceToken } = session
    const leewayMs = Math.min(30_000, expiresIn * 100)
    const kept = { id, accessToken, refreshToken, freshUntilMs: Date.now() + expiresIn * 1_000 - leewayMs }
    writes += 1
    await storage.set('session', JSON.stringify(kept))
    await storage.set('device', deviceToken)
    tell(id)
    return kept
  }
  async function end(): Promise<KeptSession | null> {
    const kept = parsed(await storage.get('session'))
    writes += 1
    await storage.clear('session')
    tell(null)
    tabs.announce()
    return kept
  }

  async function renewed(refused: string | undefined): Promise<KeptSession> {
    const kept = await read()
    if (kept === null) throw nobody()
    if (isFresh(kept, refused)) return kept
    const next = await renew(kept.refreshToken).then(
      (session) => ({ session }),
      (error: unknown) => ({ error }),
    )
    // Whoever signed in or out meanwhile, or was faster where there are no locks, goes before.
    const now = await read()
    if (now === null) throw nobody()
    if (now.refreshToken !== kept.refreshToken) return now
    if ('session' in next) return write(next.session)
    if (isRefusal(next.error, 'token.invalid')) await end()
    throw next.error
  }

  async function current(refused?: string): Promise<KeptSession> {
    const kept = await read()
    if (kept === null) throw nobody()
    if (isFresh(kept, refused)) return kept
    renewal ??= tabs
      .alone(() => renewed(refused))
      .finally(() => {
        renewal = undefined
      })
    return renewal
  }

  return {
    async adopt(session) {
      await write(session)
      tabs.announce()
    },
    accessToken: async (refused) => (await current(refused)).accessToken,
    async renew() {
      const kept = await read()
      const { id } = await current(kept?.accessToken)
      return { id }
    },
    end,
    deviceToken: async () => (await storage.get('device')) ?? undefined,
    forgetDevice: async () => storage.clear('device'),
    watch(watcher) {
      watchers.set(watcher, undefined)
      look()
      return () => void watchers.delete(watcher)
    },
    close: tabs.close,
  }
}

const nobody = () => new Refusal({ code: 'token.invalid', status: 401, detail: 'nobody is signed in here' })

function parsed(text: string | null | undefined): KeptSession | null {
  try {
    const kept = JSON.parse(text ?? 'null') as Partial<KeptSession> | null
    return typeof kept?.accessToken === 'string' && typeof kept.refreshToken === 'string' ? (kept as KeptSession) : null
  } catch {
    return null
  }
}
