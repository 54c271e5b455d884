/** Where the tokens of a session are kept, and the one by which this device is known: two texts. May answer later. */
export interface TokenStorage {
  /** Whoever has a storage of this name sees the same values: tabs agree by it. Without it, nobody else sees them. */
  readonly sharedAs?: string
  get(key: StorageKey): string | null | undefined | Promise<string | null | undefined>
  set(key: StorageKey, value: string): void | Promise<void>
  clear(key: StorageKey): void | Promise<void>
}
export type StorageKey = 'session' | 'device'

/** Forgets when the page is left; other tabs have sessions of their own. Nothing is left for whoever comes later. */
export function inMemory(): TokenStorage {
  const values = new Map<StorageKey, string>()
  return {
    get: (key) => values.get(key),
    set: (key, value) => void values.set(key, value),
    clear: (key) => void values.delete(key),
  }
}

/** Survives reloads and serves all tabs. Any script that runs on the page can read it. Where the browser forbids it, as `inMemory`. */
export function inLocalStorage(name = 'latchkey'): TokenStorage {
  const area = localStorageIfAllowed(name)
  if (area === undefined) return inMemory()
  return {
    sharedAs: name,
    get: (key) => area.getItem(`${name}.${key}`),
    set: (key, value) => area.setItem(`${name}.${key}`, value),
    clear: (key) => area.removeItem(`${name}.${key}`),
  }
}

/** Browsers that keep nothing for a page throw at the first touch, or at the first write. */
function localStorageIfAllowed(name: string): Storage | undefined {
  try {
    localStorage.setItem(`${name}.try`, '')
    localStorage.removeItem(`${name}.try`)
    return localStorage
  } catch {
    return undefined
  }
}
