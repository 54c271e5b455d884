import { randomUUID } from 'node:crypto'
import type { LastDay, Switch, SwitchOrder } from '@latchkey/contracts/admin/switches'
import type { SwitchRecord } from '@latchkey/contracts/switch-record'
import { AppError } from '@latchkey/kit/app-error'
import type { Logger } from 'pino'
import type { Audit } from '../audit/audit.service.js'
import { bringUpToDate, type Copy, nextVersion, type Original, versionOf } from '../copies/copies.service.js'
import type { Db } from '../database.js'
import { checkOrder, slotOf } from './switch-order.js'
import * as switches from './switches.repository.js'

/** What operators switched: lanes, countries, purposes, rules of the guard against pumping. Whoever asks was admitted. */
export interface Switchboard {
  list(): Promise<Switch[]>
  /** What a switch would have been about in the last 24 h; null where the log does not tell in time. Throws `request.invalid`. */
  preview(order: SwitchOrder): Promise<LastDay | null>
  /** Switches something, in the place of what is switched there. Throws `request.invalid`. */
  set(order: SwitchOrder, who: string): Promise<Switch>
  /** Ends a switch before its time. Throws `not.found`. */
  end(switched: { id: string; why: string | undefined }, who: string): Promise<Switch>
  /** Brings the copy that gateways and workers read up to date; says how many entries it wrote. */
  copy(): Promise<number>
}

interface SwitchboardNeeds {
  readonly db: Db
  readonly copy: Copy
  readonly audit: Pick<Audit, 'record'>
  readonly now: () => Date
  readonly log: Logger
}

const list = 'switches'
const dayMs = 24 * 3_600_000

export function createSwitchboard({ db, copy: target, audit, now, log }: SwitchboardNeeds): Switchboard {
  const original: Original = {
    version: () => versionOf(db, list),
    changes: async (range) =>
      (await switches.findChanges(db, range)).map((row) => ({
        field: row.slot,
        value: row.ended_at === null && row.until > now() ? JSON.stringify(recordOf(row)) : '',
        version: row.version,
      })),
  }
  const copy = () => bringUpToDate(target, original)
  const copied = () => copy().catch((err: unknown) => log.warn({ err }, 'the switches are not copied yet'))

  return {
    list: async () => (await switches.findInForce(db, now())).map(shown),
    async preview(order) {
      checkOrder(order, now())
      const { target: about, name } = order
      return switches
        .countAbout(db, { target: about, name, since: new Date(now().getTime() - dayMs) })
        .catch((error: unknown) => {
          // So much was sent that it cannot be counted while somebody waits: that must keep nobody from switching.
          if (error instanceof AppError && error.code === 'unavailable') return null
          throw error
        })
    },
    async set(order, who) {
      const since = now()
      checkOrder(order, since)
      const { does, target: about, name, weight = null, until, why } = order
      const switched = { id: randomUUID(), does, target: about, name, weight, who, why, since, until: new Date(until) }
      await db.transaction().execute(async (trx) => {
        const version = await nextVersion(trx, list)
        await switches.putSwitch(trx, { ...switched, slot: slotOf(order), ended_at: null, version })
        await audit.record(trx, {
          actor: who,
          action: `switch.${does}`,
          target: `${about}:${name}`,
          why,
          detail: { id: switched.id, until, ...(weight !== null && { weight }) },
        })
      })
      await copied()
      log.warn({ switched: shown(switched) }, 'an operator switched something')
      return shown(switched)
    },
    async end({ id, why }, who) {
      if (!isUuid(id)) throw new AppError('not.found')
      const ended = await db.transaction().execute(async (trx) => {
        const version = await nextVersion(trx, list)
        const row = await switches.endSwitch(trx, { id, at: now(), version })
        if (row === undefined) throw new AppError('not.found')
        const { does, target: about, name } = row
        await audit.record(trx, {
          actor: who,
          action: 'switch.end',
          target: `${about}:${name}`,
          why,
          detail: { id, does },
        })
        return row
      })
      await copied()
      log.warn({ ended: shown(ended), who }, 'an operator ended a switch')
      return shown(ended)
    },
    copy,
  }
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)

type Row = Omit<switches.SwitchRow, 'slot' | 'ended_at' | 'version'>

const recordOf = ({ does, target, name, weight, since, until }: Row): SwitchRecord => ({
  does,
  target,
  name,
  ...(weight !== null && { weight }),
  since: since.toISOString(),
  until: until.toISOString(),
})

const shown = ({ id, who, why, ...row }: Row): Switch => ({ id, ...recordOf(row as Row), who, why })
