import type { OptOutChange } from '@latchkey/contracts/queues/delivery-event'
import type { Logger } from 'pino'
import type { Db } from '../database.js'
import type { OptOutCopy } from './opt-out-copy.js'
import * as optOuts from './opt-outs.repository.js'
import type { OptOutTable } from './opt-outs.table.js'

/** Who asked not to be texted. Numbers are keyed hashes here. */
export interface OptOuts {
  /** Takes a word into account, once, and in the order in which the words were said. */
  record(change: OptOutChange): Promise<void>
  /** Brings the copy that workers read up to date, however it stands; says how many rows it wrote. */
  copy(): Promise<number>
}

type Stand = Pick<OptOutTable, 'opted_out' | 'until'>

/** A carrier that refuses for a STOP is asked again after this: a START that it heard and we did not would shut a person out for good. */
const refusalCountsMs = 24 * 3_600_000
const batch = 1_000

/** The list in Postgres, and its copy. */
export function createOptOuts({ db, copy: target, log }: { db: Db; copy: OptOutCopy; log: Logger }): OptOuts {
  async function copy(): Promise<number> {
    // In this order: another replica may take both further in between, and a copy is ahead of us only where we went back.
    const state = await target.state()
    const upTo = await optOuts.readVersion(db)
    let { version } = state
    // Ahead of us: it is of another database, or ours went back in time.
    const lost = version === undefined || BigInt(version) > BigInt(upTo)
    if (!lost && state.complete && version === upTo) return 0
    let written = 0
    for (let begin = lost; ; begin = false) {
      const after = begin ? '0' : (version ?? '0')
      const rows = await optOuts.findChanges(db, { after, upTo, most: batch })
      const done = rows.length < batch
      const to = done ? upTo : (rows.at(-1)?.version ?? upTo)
      // Another replica may be at it as well: who comes second stops.
      if (!(await target.write({ from: begin ? version : after, to, rows, begin, complete: done }))) return written
      written += rows.length
      version = to
      if (done) return written
    }
  }

  return {
    async record({ number, word, provider, source, at }) {
      const changed_at = new Date(at)
      await db.transaction().execute(async (trx) => {
        const version = await optOuts.nextVersion(trx)
        if (!(await optOuts.hearWord(trx, { provider, source, number, word, at: changed_at }))) return
        const before = await optOuts.findOptOut(trx, number)
        if (before !== undefined && before.changed_at > changed_at) return
        const stand = standAfter(word, before, changed_at)
        if (stand !== undefined) await optOuts.putOptOut(trx, { number, ...stand, version, changed_at })
      })
      await copy().catch((err: unknown) => log.warn({ err }, 'the opt-outs are not copied yet'))
    },
    copy,
  }
}

/** How a number stands after a word; undefined where the word changes nothing. */
function standAfter(word: OptOutChange['word'], before: Stand | undefined, at: Date): Stand | undefined {
  if (word === 'start') return { opted_out: false, until: null }
  if (word === 'stop') return { opted_out: true, until: null }
  const forGood = before?.opted_out === true && before.until === null
  return forGood ? undefined : { opted_out: true, until: new Date(at.getTime() + refusalCountsMs) }
}
