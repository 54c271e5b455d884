import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { LaunchError } from './launch-error.js'
import type { Ring, RingHistory } from './rings.js'
import type { RingName } from './keys.js'

/** Where the keys of an installation are written down: a file of variables, or a folder with a file for each (`NAME_FILE`). */
export interface KeyPlace {
  readonly path: string
  read(name: RingName): Ring | undefined
  /** Writes a ring and its history; a reader sees the old one or the new one, whole. */
  write(ring: Ring): void
}

/** Variables in a file like `.env`: every other line of it stays as it is. */
export function variablesFile(path: string): KeyPlace {
  const histories = historyFile(`${path}.history.json`)
  const line = (name: string) => new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=.*$`, 'm')
  return {
    path,
    read(name) {
      const text = parseEnv(readFileSync(path, 'utf8'))[name]
      return text === undefined || text === '' ? undefined : { name, text, history: histories.of(name) }
    },
    write({ name, text, history }) {
      const before = readFileSync(path, 'utf8')
      const after = before.replace(line(name), () => `${name}=${text}`)
      if (parseEnv(after)[name] !== text)
        throw new LaunchError(`${path}: ${name} does not stand on one line of its own`)
      histories.keep(name, history)
      replaceFile(path, after)
    },
  }
}

/** A folder in which each variable is a file of its name, as `NAME_FILE` and mounted secrets have it. */
export function variablesFolder(path: string): KeyPlace {
  const histories = historyFile(join(path, 'history.json'))
  const file = (name: string) => join(path, name)
  return {
    path,
    read(name) {
      if (!existsSync(file(name))) return undefined
      return { name, text: readFileSync(file(name), 'utf8').trim(), history: histories.of(name) }
    },
    write({ name, text, history }) {
      histories.keep(name, history)
      replaceFile(file(name), `${text}\n`)
    },
  }
}

function historyFile(path: string) {
  const read = () =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<RingName, RingHistory>>) : {}
  return {
    of: (name: RingName): RingHistory => read()[name] ?? {},
    keep: (name: RingName, history: RingHistory) =>
      replaceFile(path, `${JSON.stringify({ ...read(), [name]: history }, null, 2)}\n`),
  }
}

/** A crash leaves the old file. Who may read it stays as it was; a new one is its owner's alone. */
function replaceFile(path: string, text: string): void {
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o600
  writeFileSync(`${path}.new`, text, { mode })
  renameSync(`${path}.new`, path)
}
