import { configExitCode, LaunchError } from './launch-error.js'

/** A database server the launcher has brought up or was pointed at. */
export interface Store {
  readonly url: string
  /** For people: what it is and where it came from. */
  readonly what: string
  /** Absent where it is not ours. */
  readonly pid?: number
  /** Resolves should it end; absent where it is not ours to watch. */
  readonly ended?: Promise<number | string>
  stop(): Promise<void>
}

/** The URL of a server of somebody's own; the error does not quote it, for it may hold a password. */
export function parseStoreUrl(variable: string, url: string): URL {
  try {
    return new URL(url)
  } catch {
    throw new LaunchError(`${variable} is not a URL`, { exitCode: configExitCode })
  }
}

/** The same server, another database of it. */
export function withPath(url: string, path: string): string {
  const changed = new URL(url)
  changed.pathname = `/${path}`
  return changed.href
}
