import { accessSync, constants, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Where databases, keys and logs of `npm start` live. */
export const dataDir = (named: string | undefined): string => resolve(root, named ?? '.latchkey')

/** A path as a person in the checkout would type it. */
export const readablePath = (path: string): string => {
  const inside = relative(root, path)
  return inside.startsWith('..') ? path : inside
}

/** What all clones of this user may share; `fallback` where the home folder cannot be written. */
export function cacheDir(fallback: string): string {
  const shared = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'latchkey')
  try {
    mkdirSync(shared, { recursive: true })
    accessSync(shared, constants.W_OK)
    return shared
  } catch {
    return join(fallback, 'cache')
  }
}
