import type { OptOutChange } from '@latchkey/contracts/queues/delivery-event'
import type { ColumnType } from 'kysely'

export interface OptOutTable {
  /** A keyed hash, made by the worker: users could not tell whose it is. */
  number: ColumnType<string, string, never>
  opted_out: boolean
  /** Where the carrier alone says so, until when it is believed; null is for good. */
  until: Date | null
  /** Of the list when this row was last changed. */
  version: string
  changed_at: Date
}

export interface OptOutWordTable {
  provider: string
  source: string
  number: string
  word: OptOutChange['word']
  at: Date
}

export interface OptOutVersionTable {
  one: ColumnType<boolean, never, never>
  version: string
}
