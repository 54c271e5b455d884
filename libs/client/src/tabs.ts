/** What is needed of the Web Locks API. */
export interface Locks {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>
}

/** All clients that share a storage: tabs, workers, windows. */
export interface Tabs {
  /** One of them at a time. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** The others look into the storage again. */
  announce(): void
  close(): void
}

/** Node would stay up for an open one. */
type Channel = BroadcastChannel & { unref?: () => void }

interface TabsNeeds {
  readonly name: string
  readonly locks: Locks | undefined
  /** Another one announced something. */
  readonly heard: () => void
  /** Longer than whoever holds the lock may take: past it he is frozen, and might be for ever. */
  readonly longestWaitMs: number
}

/** Agreement among tabs by Web Locks and a BroadcastChannel, as far as there are any. No token travels: only the news that there is some. */
export function createTabs({ name, locks, heard, longestWaitMs }: TabsNeeds): Tabs {
  const channel: Channel | undefined = typeof BroadcastChannel === 'undefined' ? undefined : new BroadcastChannel(name)
  if (channel !== undefined) {
    channel.onmessage = heard
    channel.unref?.()
  }
  // A message may be faster than what was stored, which other processes of a browser see a moment later: it says when.
  const page = typeof window === 'undefined' ? undefined : window
  page?.addEventListener('storage', heard)
  return {
    alone: (work) => (locks === undefined ? inTurn(name, work) : locked(locks, { name, longestWaitMs }, work)),
    announce: () => channel?.postMessage(null),
    close() {
      channel?.close()
      page?.removeEventListener('storage', heard)
    },
  }
}

async function locked<T>(
  locks: Locks,
  { name, longestWaitMs }: Pick<TabsNeeds, 'name' | 'longestWaitMs'>,
  work: () => Promise<T>,
): Promise<T> {
  const waiting = new AbortController()
  const timer = setTimeout(() => waiting.abort(), longestWaitMs)
  let begun = false
  try {
    return await locks.request(name, { signal: waiting.signal }, () => {
      begun = true
      clearTimeout(timer)
      return work()
    })
  } catch (error) {
    if (begun) throw error
    // The holder never let go, or the browser has no locks for such a page.
    return work()
  } finally {
    clearTimeout(timer)
  }
}

const last = new Map<string, Promise<unknown>>()

/** Among the clients of one page, where the browser has no locks. */
function inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
  const mine = (last.get(name) ?? Promise.resolve()).then(work)
  last.set(
    name,
    mine.catch(() => undefined),
  )
  return mine
}
