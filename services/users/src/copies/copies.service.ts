import type { Db, Trx } from '../database.js'
import { findVersion, raiseVersion } from './copies.repository.js'

/** What stands at one place of a list; an empty value is nothing. */
export interface Entry {
  readonly field: string
  readonly value: string
}

interface Step {
  /** The version the copy must have, so that two writers do not mix; undefined where it has none. */
  readonly from: string | undefined
  readonly to: string
  readonly entries: readonly Entry[]
  /** What is there is thrown away first. */
  readonly begin: boolean
  /** With this nothing is missing any more. */
  readonly complete: boolean
}

/** A list of ours as others read it. Throws `unavailable` where it cannot be reached. */
export interface Copy {
  state(): Promise<{ version: string | undefined; complete: boolean }>
  /** Whether it was written: not where the copy changed meanwhile. */
  write(step: Step): Promise<boolean>
}

/** The list itself. Whoever changes it takes the next version, and versions are committed in their order. */
export interface Original {
  version(): Promise<string>
  /** The entries that changed after a version and up to another, in order, `most` of them at most. */
  changes(range: {
    readonly after: string
    readonly upTo: string
    readonly most: number
  }): Promise<readonly (Entry & { readonly version: string })[]>
}

const batch = 1_000

/** Brings a copy up to date, however it stands and whoever else is at it; says how many entries it wrote. */
export async function bringUpToDate(copy: Copy, original: Original): Promise<number> {
  // In this order: another replica may take both further in between, and a copy is ahead of us only where we went back.
  const state = await copy.state()
  const upTo = await original.version()
  let { version } = state
  // Ahead of us: it is of another database, or ours went back in time.
  const lost = version === undefined || BigInt(version) > BigInt(upTo)
  if (!lost && state.complete && version === upTo) return 0
  let written = 0
  for (let begin = lost; ; begin = false) {
    const after = begin ? '0' : (version ?? '0')
    const entries = await original.changes({ after, upTo, most: batch })
    const done = entries.length < batch
    const to = done ? upTo : (entries.at(-1)?.version ?? upTo)
    // Another replica may be at it as well: who comes second stops.
    if (!(await copy.write({ from: begin ? version : after, to, entries, begin, complete: done }))) return written
    written += entries.length
    version = to
    if (done) return written
  }
}

/** The next version of a list in `copied_lists`. Whoever has it is alone in changing the list until he commits. */
export const nextVersion = (trx: Trx, list: string): Promise<string> => raiseVersion(trx, list)

/** The newest version of a list that is committed. */
export const versionOf = (db: Db, list: string): Promise<string> => findVersion(db, list)
