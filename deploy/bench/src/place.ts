import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDir, root } from '@latchkey/local/places'
import { query, startPostgres } from '@latchkey/local/postgres'
import { startRedis } from '@latchkey/local/redis'
import type { Store } from '@latchkey/local/store'
import { type Carrier, startCarrier } from './carrier.js'
import type { Processes } from './cpu.js'

/** Where all contenders run: one PostgreSQL, one Redis, one carrier, each contender with databases of its own. */
export interface Place {
  /** Of the contenders' programs. */
  readonly programs: string
  /** Of logs and data; gone in the end. */
  readonly folder: string
  readonly carrier: Carrier
  /** What the stores are, for people. */
  readonly stores: readonly string[]
  readonly storeProcesses: Processes
  /** An empty database of this name. */
  database(name: string): Promise<string>
  /** An empty Redis database that nobody else has. */
  redis(): Promise<string>
  close(): Promise<void>
}

/** Brings the stores up as production has them (what is committed survives), and the carrier. */
export async function openPlace(): Promise<Place> {
  const programs = join(root, 'deploy/bench/contenders')
  await installContenders(programs)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-bench-'))
  const opened: { stop(): Promise<void> }[] = []
  const keep = <T extends { stop(): Promise<void> }>(one: T): T => {
    opened.push(one)
    return one
  }
  async function close(): Promise<void> {
    for (const one of opened.toReversed()) await one.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const at = (name: string) => ({ dir: join(folder, name), logFile: join(folder, `${name}-server.log`) })
    const postgres: Store = keep(await startPostgres(at('postgres')))
    const redis = await startRedis({ ...at('redis'), cache: cacheDir(folder), databases: 64 })
    if (redis === undefined) throw new Error('a benchmark needs a real Redis: install valkey-server or redis-server')
    keep(redis)
    const carrier = keep(await startCarrier(folder))
    let redisDatabases = 0
    return {
      programs,
      folder,
      carrier,
      stores: [postgres.what, redis.what],
      storeProcesses: { PostgreSQL: postgres.pid ?? 0, Redis: redis.pid ?? 0 },
      async database(name) {
        const database = `bench_${name.replaceAll(/[^a-z]+/g, '_')}`
        await query(postgres.url, `create database ${database}`)
        return Object.assign(new URL(postgres.url), { pathname: `/${database}` }).href
      },
      async redis() {
        redisDatabases += 1
        return `${redis.url}/${redisDatabases}`
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly optional?: boolean }>>
}

/** The contenders' packages are no dependencies of ours: they come by a lock of their own, and only for this. */
async function installContenders(folder: string): Promise<void> {
  const read = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as Lock
  const record = join(folder, 'node_modules/.package-lock.json')
  if (existsSync(record)) {
    const found = read(record).packages
    const wanted = Object.entries(read(join(folder, 'package-lock.json')).packages)
    if (wanted.every(([path, { version, optional }]) => path === '' || optional || found[path]?.version === version))
      return
  }
  process.stdout.write('· installing the contenders (first time: about half a minute)…\n')
  const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await promisify(execFile)('npm', ['ci', ...flags], { cwd: folder })
}
