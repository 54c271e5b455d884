import { execFileSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { redisServer, unpackDebian } from './debian-package.js'
import { LaunchError } from './launch-error.js'
import { logTail } from './log-tail.js'
import { exchange, pickPort } from './ports.js'
import { endLeftover } from './process-table.js'
import { parseStoreUrl, type Store } from './store.js'
import { startTethered, type Tethered } from './tether.js'
import { which } from './which.js'

interface RedisOptions {
  /** Used as it is when given. */
  readonly url?: string | undefined
  /** The folder of the data. */
  readonly dir: string
  /** Where a server unpacked from packages is kept, for all clones of this user. */
  readonly cache: string
  readonly logFile: string
  readonly databases?: number
  /** One that nobody uses, where it does not matter. */
  readonly port?: number
  /** What is in it may be lost with the machine: faster, for tests. */
  readonly disposable?: boolean
  /** Of redis.conf, beside what every one has. */
  readonly settings?: Readonly<Record<string, string | number>>
  /** It watches others and keeps nothing: what it writes down about them is its configuration, begun with these lines. */
  readonly sentinel?: readonly string[]
}

interface Server {
  readonly command: string
  readonly env: Readonly<Record<string, string>>
  readonly what: string
}

/** The Redis that is named, or one found on this machine; undefined where there is none. */
export async function startRedis(options: RedisOptions): Promise<Store | undefined> {
  if (options.url !== undefined) return external(options.url)
  const server = onPath() ?? (await unpacked(options.cache))
  return server === undefined ? undefined : serve(server, options)
}

async function external(url: string): Promise<Store> {
  // A cluster, or one with sentinels, has many addresses: the services say what they find there.
  if (/^rediss?-/.test(url)) return { url, what: 'Redis of several servers (yours)', stop: async () => undefined }
  const { hostname, port, host } = parseStoreUrl('REDIS_URL', url)
  // Any answer will do: one that wants a password or TLS says so in its own words, or closes.
  if (
    url.startsWith('redis:') &&
    (await exchange({ host: hostname, port: Number(port || 6379) }, 'PING\r\n', 3_000)) === undefined
  )
    throw new LaunchError(`REDIS_URL: no Redis answers at ${host}`)
  return { url, what: `Redis at ${host} (yours)`, stop: async () => undefined }
}

function onPath(): Server | undefined {
  for (const name of ['valkey-server', 'redis-server']) {
    const command = which(name)
    if (command === undefined) continue
    const version = /v=(\S+)/.exec(execFileSync(command, ['--version'], { encoding: 'utf8' }))?.[1] ?? '?'
    return { command, env: {}, what: `${name} ${version} (${command})` }
  }
  return undefined
}

async function unpacked(cache: string): Promise<Server | undefined> {
  const found = await unpackDebian(redisServer, cache)
  return found && { ...found, what: `redis-server ${found.version} (unpacked from the distribution's packages)` }
}

async function serve({ command, env, what }: Server, options: RedisOptions): Promise<Store> {
  const { dir, logFile, databases = 16, disposable = false } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const pidFile = join(dir, 'redis.pid')
  await endLeftover(pidFile, basename(command))
  const port = options.port ?? (await pickPort())
  const common = { port, bind: '127.0.0.1', dir, pidfile: pidFile }
  const settings = {
    ...common,
    databases,
    'maxmemory-policy': 'noeviction',
    save: '',
    appendonly: 'yes',
    appendfsync: disposable ? 'no' : 'everysec',
    // Of a code and of a job some values are longer than the usual 64 bytes, and would have all be kept as a table. By its old name: Redis 6 knows no other.
    'hash-max-ziplist-value': 512,
    ...options.settings,
  }
  const output = openSync(logFile, 'a')
  const server = await startTethered({
    command,
    args: options.sentinel === undefined ? flags(settings) : sentinelArgs(dir, options.sentinel, common),
    env,
    output,
    ifOrphaned: 'SIGTERM',
  })
  closeSync(output)
  const stop = () => server.stop('SIGTERM', 3_000)
  try {
    await answers(port, server, logFile)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `redis://127.0.0.1:${port}`, what, pid: server.pid, ended: server.ended, stop }
}

const flags = (settings: Readonly<Record<string, string | number>>) =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])

/** What one knew before its end is what it goes on with. */
function sentinelArgs(dir: string, lines: readonly string[], common: Readonly<Record<string, string | number>>) {
  const file = join(dir, 'sentinel.conf')
  const all = [...Object.entries(common).map(([name, value]) => `${name} ${value}`), ...lines]
  if (!existsSync(file)) writeFileSync(file, `${all.join('\n')}\n`, { mode: 0o600 })
  return [file, '--sentinel']
}

/** Waits until it takes commands; while it reads its file it answers `-LOADING`. */
async function answers(port: number, server: Tethered, logFile: string): Promise<void> {
  let gone = false
  void server.ended.then(() => (gone = true))
  const end = Date.now() + 30_000
  while ((await exchange({ host: '127.0.0.1', port }, 'PING\r\n', 1_000)) !== '+PONG\r\n') {
    if (gone) throw new LaunchError('Redis did not start', { details: logTail(logFile) })
    if (Date.now() > end) throw new LaunchError('Redis did not answer within 30 s', { details: logTail(logFile) })
    await sleep(20)
  }
}
