import { accessSync, constants, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url))

/** Where databases, keys and logs of `npm start` live. */
export const dataDir = (named: string | undefined): string => resolve(root, named ?? '.latchkey')

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
