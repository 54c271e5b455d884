import { forGood } from '@latchkey/contracts/opt-out-record'
import type { OptOutChange } from '@latchkey/contracts/queues/delivery-event'
import type { Logger } from 'pino'
import { bringUpToDate, type Copy, type Original } from '../copies/copies.service.js'
import { type Db, inBatches } from '../database.js'
import * as optOuts from './opt-outs.repository.js'
import type { OptOutTable } from './opt-outs.table.js'

/** Who asked not to be texted. Numbers are keyed hashes here. */
export interface OptOuts {
  /** Takes a word into account, once, and in the order in which the words were said. */
  record(change: OptOutChange): Promise<void>
  /** Brings the copy that workers read up to date, however it stands; says how many rows it wrote. */
  copy(): Promise<number>
  /** Deletes words that no carrier will tell us of again; says how many. How each number stands is kept. */
  sweep(): Promise<number>
}

type Stand = Pick<OptOutTable, 'opted_out' | 'until'>

/** A carrier that refuses for a STOP is asked again after this: a START that it heard and we did not would shut a person out for good. */
const refusalCountsMs = 24 * 3_600_000
/** Carriers try again for hours, and queues are repaired within days. */
const wordsKeptMs = 90 * 24 * 3_600_000

interface OptOutsNeeds {
  readonly db: Db
  readonly copy: Copy
  readonly now: () => Date
  readonly log: Logger
}

/** The list in Postgres, and its copy. */
export function createOptOuts({ db, copy: target, now, log }: OptOutsNeeds): OptOuts {
  const original: Original = {
    version: () => optOuts.readVersion(db),
    changes: async (range) =>
      (await optOuts.findChanges(db, range)).map(({ number, version, ...stand }) => ({
        field: number,
        value: shown(stand),
        version,
      })),
  }
  const copy = () => bringUpToDate(target, original)

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
    sweep() {
      const before = new Date(now().getTime() - wordsKeptMs)
      return inBatches((most) => optOuts.deleteWords(db, { before, most }))
    },
  }
}

/** How a number stands in the copy. */
const shown = ({ opted_out, until }: Stand): string =>
  opted_out ? (until === null ? forGood : String(until.getTime())) : ''

/** How a number stands after a word; undefined where the word changes nothing. */
function standAfter(word: OptOutChange['word'], before: Stand | undefined, at: Date): Stand | undefined {
  if (word === 'start') return { opted_out: false, until: null }
  if (word === 'stop') return { opted_out: true, until: null }
  const forGood = before?.opted_out === true && before.until === null
  return forGood ? undefined : { opted_out: true, until: new Date(at.getTime() + refusalCountsMs) }
}
