import { setTimeout as sleep } from 'node:timers/promises'
import { Kysely, type Migration, Migrator, PostgresDialect, sql } from 'kysely'
import { Pool } from 'pg'
import type { Logger } from 'pino'
import { guardedPool } from '../database.js'
import { up as first } from './0001_first.js'
import { up as registrations } from './0002_registrations.js'
import { up as deviceNames } from './0003_device_names.js'
import { up as phoneUndos } from './0004_phone_undos.js'
import { up as receipts } from './0006_receipts.js'
import { up as admins } from './0008_admins.js'
import { up as traces } from './0009_traces.js'
import { up as carrierIds } from './0012_carrier_ids.js'
import { up as switches } from './0013_switches.js'
import { up as orderAndAge } from './0014_order_and_age.js'
import { up as toldActs } from './0015_told_acts.js'
import { up as email } from './0016_email.js'
import { up as conversionDays } from './0018_conversion_days.js'
import { up as tracedEmails } from './0019_traced_emails.js'

/** In order, by name, for ever. A list rather than a folder scan: it type-checks and shows up in review. */
const migrations: Record<string, Migration> = {
  '0001_first': { up: first },
  '0002_registrations': { up: registrations },
  '0003_device_names': { up: deviceNames },
  '0004_phone_undos': { up: phoneUndos },
  // 0005 was never released, and none may come: a database that ran a later one refuses it.
  '0006_receipts': { up: receipts },
  '0008_admins': { up: admins },
  '0009_traces': { up: traces },
  '0012_carrier_ids': { up: carrierIds },
  '0013_switches': { up: switches },
  '0014_order_and_age': { up: orderAndAge },
  '0015_told_acts': { up: toldActs },
  '0016_email': { up: email },
  '0018_conversion_days': { up: conversionDays },
  '0019_traced_emails': { up: tracedEmails },
}

/** Brings the schema up to date, and says what it did. Replicas may start at once: Kysely takes an advisory lock, and one of them works. */
export async function migrate(url: string): Promise<string[]> {
  // A pool of its own: a migration may take longer than a request is given.
  const pool = new Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 2_000 })
  // An idle connection that is lost: the next statement opens another.
  pool.on('error', () => undefined)
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: guardedPool(pool) }) })
  try {
    const migrator = new Migrator({
      db,
      provider: { getMigrations: async () => ({ ...migrations, ...(await newer(db)) }) },
    })
    const { error, results = [] } = await migrator.migrateToLatest()
    if (error !== undefined) throw new Error('the schema could not be brought up to date', { cause: error })
    return results.map(({ migrationName }) => migrationName)
  } finally {
    await db.destroy()
  }
}

/**
 * Migrations that a later release has run. Every migration only adds, so after a rollback the older release works on the
 * newer schema; Kysely would call it corrupted. One that is missing among ours still is an error.
 */
async function newer(db: Kysely<unknown>): Promise<Record<string, Migration>> {
  const [newest = ''] = Object.keys(migrations).sort().reverse()
  const { rows } = await sql<{ found: boolean }>`select to_regclass('kysely_migration') is not null as found`.execute(
    db,
  )
  if (rows[0]?.found !== true) return {}
  const run = await sql<{ name: string }>`select name from kysely_migration where name > ${newest} collate "C"`.execute(
    db,
  )
  return Object.fromEntries(run.rows.map(({ name }) => [name, { up: async () => undefined }]))
}

/** Tries to migrate until it works or `signal` ends it; a database that is away at the start comes back by itself. */
export async function migrateWhenPossible(
  url: string,
  { log, signal, retryMs = 1_000 }: { log: Logger; signal: AbortSignal; retryMs?: number },
): Promise<boolean> {
  let said = ''
  while (!signal.aborted) {
    try {
      const done = await migrate(url)
      log.info({ migrations: done }, 'the schema is up to date')
      return true
    } catch (err) {
      const message = String(err instanceof Error ? (err.cause ?? err) : err)
      if (message !== said) log.error({ err }, 'not migrated yet; trying again')
      said = message
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined)
  }
  return false
}
