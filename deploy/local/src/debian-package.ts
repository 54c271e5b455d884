import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { which } from './which.js'

const run = promisify(execFile)

export interface UnpackedProgram {
  readonly command: string
  readonly env: Readonly<Record<string, string>>
  readonly version: string
}

/** A program of the distribution. */
export interface Debian {
  readonly name: string
  /** The package, which brings what it needs. */
  readonly package: string
  /** Where the program lies in it. */
  readonly command: string
  /** Finds the version in what `--version` prints, or `ask` where it knows no such word. */
  readonly version: RegExp
  readonly ask?: string
}

export const redisServer: Debian = {
  name: 'redis',
  package: 'redis-server',
  command: 'usr/bin/redis-server',
  version: /v=(\S+)/,
}

/** The program itself, not the shell script of its package, which wants to be where it was installed. */
export const chromium: Debian = {
  name: 'chromium',
  package: 'chromium',
  command: 'usr/lib/chromium/chromium',
  version: /Chromium (\S+)/,
}

/** With promtool beside it. */
export const prometheus: Debian = {
  name: 'prometheus',
  package: 'prometheus',
  command: 'usr/bin/prometheus',
  version: /version (\S+)/,
}

export const haproxy: Debian = {
  name: 'haproxy',
  package: 'haproxy',
  command: 'usr/sbin/haproxy',
  version: /version (\S+)/,
  ask: '-v',
}

export const pgbouncer: Debian = {
  name: 'pgbouncer',
  package: 'pgbouncer',
  command: 'usr/sbin/pgbouncer',
  version: /PgBouncer (\S+)/,
}

/**
 * A program out of the distribution's packages, unpacked into a cache: nothing is installed, nothing asked of root.
 * Undefined where there is no apt, or neither a cache nor a network.
 */
export async function unpackDebian(wanted: Debian, cache: string): Promise<UnpackedProgram | undefined> {
  const folder = join(cache, wanted.name)
  const kept = await tryOut(wanted, folder)
  if (kept !== undefined) return kept
  if (which('apt-get') === undefined || which('dpkg-deb') === undefined) return undefined
  mkdirSync(cache, { recursive: true })
  // First by the package lists the machine has; where it has none, or they are out of date, by lists of our own.
  const lists = join(cache, 'apt')
  return (
    (await fetchInto(wanted, { folder, cache }, [])) ??
    (await fetchInto(wanted, { folder, cache }, await ownLists(lists)))
  )
}

/** `--version` tells whether every library was found, and what to call it. */
async function tryOut(wanted: Debian, folder: string): Promise<UnpackedProgram | undefined> {
  const command = join(folder, wanted.command)
  if (!existsSync(command)) return undefined
  const libraries = ['usr/lib', 'lib'].flatMap((lib) => machineFolders(join(folder, lib)))
  const env = { LD_LIBRARY_PATH: libraries.join(':') }
  try {
    const { stdout } = await run(command, [wanted.ask ?? '--version'], { env })
    return { command, env, version: wanted.version.exec(stdout)?.[1] ?? '?' }
  } catch {
    return undefined
  }
}

const machineFolders = (lib: string): string[] =>
  existsSync(lib)
    ? readdirSync(lib)
        .filter((name) => name.includes('linux-gnu'))
        .map((name) => join(lib, name))
    : []

async function fetchInto(
  wanted: Debian,
  { folder, cache }: { folder: string; cache: string },
  options: readonly string[],
): Promise<UnpackedProgram | undefined> {
  const work = mkdtempSync(join(cache, 'unpack-'))
  try {
    const packages = await missingPackages(wanted, options)
    await apt(['download', ...options, ...packages], work)
    const root = join(work, 'root')
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb')))
      await run('dpkg-deb', ['-x', join(work, file), root])
    if ((await tryOut(wanted, root)) === undefined) return undefined
    rmSync(folder, { recursive: true, force: true })
    renameSync(root, folder)
    return await tryOut(wanted, folder)
  } catch {
    return undefined
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** What an installation would add to this machine, by apt's own dry run: the program and the libraries it lacks. */
async function missingPackages(wanted: Debian, options: readonly string[]): Promise<string[]> {
  const { stdout } = await apt(['--simulate', '--no-install-recommends', ...options, 'install', wanted.package])
  return [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name as string)
}

/** Package lists in a folder of our own, so that no right to the machine's is needed. */
async function ownLists(state: string): Promise<string[]> {
  const options = ['-o', `Dir::State::lists=${state}/lists`, '-o', `Dir::Cache=${state}/cache`]
  mkdirSync(join(state, 'lists/partial'), { recursive: true })
  mkdirSync(join(state, 'cache/archives/partial'), { recursive: true })
  await apt(['update', ...options]).catch(() => undefined)
  return options
}

function apt(args: readonly string[], cwd = '/') {
  // apt's own download user may not enter our folders; `Sandbox::User` matters to root only.
  const quiet = ['-q', '-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root']
  return run('apt-get', [...quiet, ...args], { cwd, timeout: 180_000, env: { ...process.env, LC_ALL: 'C' } })
}
