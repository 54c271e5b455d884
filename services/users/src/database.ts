import { AppError } from '@latchkey/kit/app-error'
import {
  type Expression,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  type PostgresQueryResult,
  sql,
  type Transaction,
} from 'kysely'
import { DatabaseError, Pool, type PoolClient } from 'pg'
import type { Logger } from 'pino'
import { Gauge, Registry } from 'prom-client'
import type { AuditTable } from './audit/audit.table.js'
import type { ConsumedChallengeTable } from './challenges/challenges.table.js'
import type { ConversionDayTable, ConversionLateTable, ConversionWrittenTable } from './conversion/conversion.table.js'
import type { CopiedListTable } from './copies/copies.table.js'
import type { ResetTokenTable } from './credentials/reset-tokens.table.js'
import type { SmsAttemptTable, SmsMessageTable } from './deliveries/deliveries.table.js'
import type { SmsReceiptTable } from './deliveries/receipts.table.js'
import type { OptOutTable, OptOutVersionTable, OptOutWordTable } from './opt-outs/opt-outs.table.js'
import type { UserTable } from './people/people.table.js'
import type { PhoneUndoTable } from './phone-changes/phone-undos.table.js'
import type { DeviceTable } from './sessions/devices.table.js'
import type { SessionTable } from './sessions/sessions.table.js'
import { createStatementNames, type NameStatement } from './statement-names.js'
import type { SwitchTable } from './switchboard/switches.table.js'
import type { MessageTraceTable } from './traces/traces.table.js'

export interface Database {
  users: UserTable
  sessions: SessionTable
  devices: DeviceTable
  reset_tokens: ResetTokenTable
  phone_undos: PhoneUndoTable
  consumed_challenges: ConsumedChallengeTable
  sms_messages: SmsMessageTable
  sms_attempts: SmsAttemptTable
  sms_receipts: SmsReceiptTable
  opt_outs: OptOutTable
  opt_out_words: OptOutWordTable
  opt_out_version: OptOutVersionTable
  copied_lists: CopiedListTable
  switches: SwitchTable
  audit: AuditTable
  message_trace: MessageTraceTable
  conversion_days: ConversionDayTable
  conversion_written: ConversionWrittenTable
  conversion_late: ConversionLateTable
}
export type Db = Kysely<Database>
/** In a signature: only inside a transaction. */
export type Trx = Transaction<Database>

// Each below the time in which a request must be answered, so that a lock or a lost network ends here and not at the caller.
const limits = {
  connectionTimeoutMillis: 600,
  lock_timeout: 600,
  statement_timeout: 800,
  query_timeout: 1_000,
  idle_in_transaction_session_timeout: 2_000,
}

/** What is kept here, and what a session is told when it begins. */
const { connectionTimeoutMillis, query_timeout, ...sessionLimits } = limits
const ownLimits = { connectionTimeoutMillis, query_timeout }

/** For work that nobody waits for. It still waits for no lock: somebody may be waiting behind it. */
const patientLimits = { ...limits, statement_timeout: 120_000, query_timeout: 125_000 }

interface Opening {
  readonly log: Logger
  readonly connections?: number
  /** Not for requests: statements may take minutes. */
  readonly patient?: boolean
  /** Behind a pooler that lends a session for one transaction: nothing is named in it or set for it, and its limits are the pooler's. */
  readonly pooled?: boolean
  /** Where its connections are told of. */
  readonly metrics?: Registry
}

/** Opens a pool, of the request path where it is not `patient`. Whatever Postgres does wrong, or does too slowly, becomes `unavailable`. */
export function openDatabase(
  url: string,
  { log, connections = 10, patient = false, pooled = false, metrics = new Registry() }: Opening,
): Db {
  const pool = new Pool({
    connectionString: url,
    max: connections,
    keepAlive: true,
    ...(patient ? patientLimits : pooled ? ownLimits : limits),
  })
  pool.on('error', (err) => log.warn({ err }, 'an idle connection to postgres was lost'))
  tellPool(pool, metrics)
  const nameStatement = pooled ? undefined : createStatementNames()
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool: guardedPool(pool, nameStatement) }) })
}

/** What a pooler leaves without a limit, or with one that is longer than a request may wait; undefined where nothing. */
export async function unlimited(db: Db): Promise<string | undefined> {
  const names = Object.keys(sessionLimits) as (keyof typeof sessionLimits)[]
  const { rows } = await sql<{ name: keyof typeof sessionLimits; setting: string }>`
    select name, setting from pg_settings where name = any(${names})`.execute(db)
  const bad = rows.filter(({ name, setting }) => Number(setting) === 0 || Number(setting) > sessionLimits[name])
  if (bad.length === 0) return undefined
  const wanted = bad.map(({ name }) => `${name} of at most ${sessionLimits[name]} ms`)
  return `the pooler must give its sessions: ${wanted.sort().join(', ')}`
}

function tellPool(pool: Pool, metrics: Registry): void {
  void new Gauge({
    name: 'latchkey_postgres_connections',
    help: 'Connections to Postgres: `busy` with a query, `idle`, and calls that are `waiting` for one; it has 10',
    labelNames: ['state'],
    registers: [metrics],
    collect() {
      this.set({ state: 'idle' }, pool.idleCount)
      this.set({ state: 'busy' }, pool.totalCount - pool.idleCount)
      this.set({ state: 'waiting' }, pool.waitingCount)
    },
  })
}

/** A pool for Kysely that throws `unavailable` for what passes, and never lends out a connection in doubt. */
export function guardedPool(pool: Pool, nameStatement: NameStatement = () => undefined): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect().catch((cause: unknown) => {
        throw new AppError('unavailable', { cause })
      })
      return guardedClient(client, nameStatement)
    },
    end: () => pool.end(),
  }
}

/** What a query belongs to: a statement by itself commits itself. */
type Unit = 'statement' | 'transaction' | 'commit'

/** What is lost before its COMMIT was sent is rolled back, whatever else happens. */
const effectOfLoss = { statement: 'unknown', transaction: 'none', commit: 'unknown' } as const

function unitOf(statement: string, before: Unit): Unit {
  if (/^(?:begin|start transaction)\b/i.test(statement)) return 'transaction'
  return /^commit$/i.test(statement) ? 'commit' : before
}

function guardedClient(client: PoolClient, nameStatement: NameStatement): Awaited<ReturnType<PostgresPool['connect']>> {
  let broken: AppError | undefined
  let unit: Unit = 'statement'
  // A connection that is lost between two queries has nobody to tell, and an error nobody hears ends the process.
  const lose = (cause: unknown) => {
    broken ??= new AppError('unavailable', { cause, effect: effectOfLoss[unit] })
    return broken
  }
  client.on('error', lose)
  async function query<R>(text: unknown, parameters: readonly unknown[] = []): Promise<PostgresQueryResult<R>> {
    // A ROLLBACK behind a query that hangs would hang as well.
    if (broken !== undefined) throw broken
    const statement = String(text)
    unit = unitOf(statement, unit)
    try {
      const name = nameStatement(statement, parameters)
      const result = await client.query({
        text: statement,
        values: [...parameters],
        ...(name !== undefined && { name }),
      })
      if (/^(?:commit|rollback)$/i.test(statement)) unit = 'statement'
      return result as unknown as PostgresQueryResult<R>
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw lose(error)
      if (isPlanOfAnOlderTable(error)) throw (broken = new AppError('unavailable', { cause: error, effect: 'none' }))
      if (!isTransient(error)) throw withoutValues(error)
      // A statement that ends in an ERROR left nothing behind; behind a FATAL one it may have been committed already.
      const undone = unit === 'statement' && error.severity === 'ERROR'
      throw new AppError('unavailable', { cause: error, effect: undone ? 'none' : effectOfLoss[unit] })
    }
  }
  return {
    query: query as Awaited<ReturnType<PostgresPool['connect']>>['query'],
    // A client whose query ran out of time may hold an open transaction: the next request must not inherit it.
    release() {
      client.release(broken)
      client.off('error', lose)
    },
  }
}

/** 08 connection, 25 transaction state (read-only replica), 28/3D not let in, 40 lost a race, 53 resources, 57 shutdown or cancel, 55P03 locked, 42P01/42703 not migrated yet. */
const isTransient = ({ code = '' }: DatabaseError): boolean => /^(08|25|28|3D|40|53|57|55P03$|42P01$|42703$)/.test(code)

/** A newer release changed what a named statement gives: this connection would refuse it for good. Nothing was done. */
const isPlanOfAnOlderTable = ({ code, routine }: DatabaseError): boolean =>
  code === '0A000' && routine === 'RevalidateCachedQuery'

/** Errors of class 22 quote the value that was refused, and somebody's name has no place in a log. */
function withoutValues(error: DatabaseError): Error {
  return error.code?.startsWith('22') === true ? new Error(`postgres refused a value (${error.code})`) : error
}

/** Repeats a statement that changes at most `most` rows until there is nothing left for it; says how many it changed in all. */
export async function inBatches(change: (most: number) => Promise<number>, most = 500): Promise<number> {
  for (let total = 0; ; ) {
    const changed = await change(most)
    total += changed
    if (changed < most) return total
  }
}

/** Whether an error says that the unique index of this name was violated. */
export function violates(error: unknown, index: string): boolean {
  return error instanceof DatabaseError && error.code === '23505' && error.constraint === index
}

/** Postgres cannot store NUL, and lone surrogates are no characters. */
export function isStorable(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text)
}

/** Rows as one value, to be inserted: a list would be another statement for each length of it. `types` names every column and its type. */
export function rowsAs<Column extends string>(
  types: Readonly<Record<Column, string>>,
  rows: readonly Partial<Record<Column, unknown>>[],
): { columns: Column[]; expression: Expression<unknown> } {
  const columns = Object.keys(types) as Column[]
  const typed = sql.raw(columns.map((column) => `${column} ${types[column]}`).join(', '))
  const names = sql.join(columns.map((column) => sql.ref(column)))
  return {
    columns,
    expression: sql`select ${names} from json_to_recordset(${JSON.stringify(rows)}::json) as row (${typed})`,
  }
}
