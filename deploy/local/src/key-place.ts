import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { replaceKeyFile } from './key-file.js'
import { LaunchError } from './launch-error.js'
import type { Ring, RingHistory } from './rings.js'
import type { RingName } from './keys.js'

/** Where the keys of an installation are written down: a file of variables, or a folder with a file for each (`NAME_FILE`). */
export interface KeyPlace {
  readonly path: string
  read(name: RingName): Ring | undefined
  /** Writes a ring and its history; a reader sees the old one or the new one, whole. Interrupted anywhere, it can be done again. */
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
      histories.around(name, history, () => replaceKeyFile(path, after))
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
      histories.around(name, history, () => replaceKeyFile(file(name), `${text}\n`))
    },
  }
}

function historyFile(path: string) {
  const read = () =>
    existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Partial<Record<RingName, RingHistory>>) : {}
  const of = (name: RingName): RingHistory => read()[name] ?? {}
  const keep = (name: RingName, history: RingHistory) =>
    replaceKeyFile(path, `${JSON.stringify({ ...read(), [name]: history }, null, 2)}\n`)
  return {
    of,
    /** Two files cannot be written at once: while the ring is, its history is one that fits the old ring and the new one. */
    around(name: RingName, after: RingHistory, writeRing: () => void) {
      keep(name, eitherOf(of(name), after))
      writeRing()
      keep(name, after)
    },
  }
}

/** No key waits twice and none is replaced twice, so a ring of which one part holds does not mind the other. */
function eitherOf(before: RingHistory, after: RingHistory): RingHistory {
  const waiting = after.waiting ?? before.waiting
  return { ...(waiting !== undefined && { waiting }), replaced: { ...before.replaced, ...after.replaced } }
}
