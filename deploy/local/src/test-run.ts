import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { LaunchError } from './launch-error.js'
import { cacheDir, root } from './places.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import type { Store } from './store.js'
import { startTethered, type Tethered } from './tether.js'
import { testFiles } from './test-files.js'
import { reportTests, type TestCounts } from './test-report.js'

const print = (line: string) => process.stdout.write(`${line}\n`)
const running: Tethered[] = []
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true
    for (const program of running) void program.stop('SIGTERM', 3_000)
  })
}

/** Brings up stores for this run alone, runs the tests on them, and takes everything down again, whatever happens. */
async function runTests(asked: readonly string[]): Promise<TestCounts> {
  const files = testFiles(asked)
  if (files.length === 0) throw new LaunchError('there are no tests')
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const stores: Store[] = []
  try {
    await buildTap()
    const [postgres, redis] = await startStores(folder, stores)
    print(`· on ${postgres.what} and ${redis.what}`)
    return await runTap(files, { TEST_DATABASE_URL: postgres.url, TEST_REDIS_URL: redis.url })
  } finally {
    await Promise.all(stores.map((store) => store.stop()))
    await rm(folder, { recursive: true, force: true })
  }
}

async function startStores(folder: string, opened: Store[]): Promise<[Store, Store]> {
  const { TEST_DATABASE_URL, TEST_REDIS_URL } = process.env
  const place = (name: string) => ({ dir: join(folder, name), logFile: join(folder, `${name}.log`), disposable: true })
  const [postgres, redis] = await Promise.allSettled([
    startPostgres({ url: TEST_DATABASE_URL, ...place('postgres') }),
    startRedis({ url: TEST_REDIS_URL, ...place('redis'), cache: cacheDir(folder), databases: 4_096 }),
  ])
  for (const start of [postgres, redis]) {
    if (start.status === 'fulfilled' && start.value !== undefined) opened.push(start.value)
  }
  if (postgres.status === 'rejected') throw postgres.reason
  if (redis.status === 'rejected') throw redis.reason
  if (redis.value === undefined)
    throw new LaunchError(
      'the tests need a real Redis: install valkey-server or redis-server (Debian: `apt install redis-server`, macOS: `brew install valkey`), or set TEST_REDIS_URL=redis://… to one that may be written to',
    )
  return [postgres.value, redis.value]
}

/** What of the developer's environment a test may see: none of what configures Latchkey. */
const harmless = ['PATH', 'HOME', 'USER', 'TMPDIR', 'LANG', 'TERM', 'CI', 'XDG_CACHE_HOME', 'NODE_EXTRA_CA_CERTS']

function testEnv(stores: Record<string, string>): Record<string, string> {
  const seen = harmless.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]))
  return { ...Object.fromEntries(seen), ...stores }
}

const tapFolder = dirname(createRequire(import.meta.url).resolve('tap/package.json'))
const tapProgram = (args: readonly string[], env: Record<string, string>) =>
  startTethered({
    command: process.execPath,
    args: [join(tapFolder, 'dist/esm/run.mjs'), ...args],
    cwd: root,
    env: testEnv(env),
    output: 'pipe',
    ifOrphaned: 'SIGTERM',
  })

async function runTap(files: readonly string[], stores: Record<string, string>): Promise<TestCounts> {
  const tap = await tapProgram(['run', '--reporter=tap', ...files], stores)
  running.push(tap)
  if (interrupted) await tap.stop('SIGTERM', 3_000)
  if (tap.stdout === null) throw new LaunchError('tap has no output')
  const [result, exit] = await Promise.all([reportTests(tap.stdout, print), tap.ended])
  if (exit === 0 || result.failed > 0) return result
  return { ...result, failed: 1 }
}

/** tap writes its test class once for the plugins of .taprc; a run on a class with others fails. */
async function buildTap(): Promise<void> {
  const built = createRequire(join(tapFolder, 'package.json')).resolve('@tapjs/test/built')
  if (!/^@tapjs\/typescript$/m.test(readFileSync(built, 'utf8'))) return
  print('· preparing the test runner…')
  const build = await tapProgram(['build'], {})
  build.stdout?.resume()
  if ((await build.ended) !== 0) throw new LaunchError('`tap build` failed')
}

const counts = await runTests(process.argv.slice(3)).catch((error: unknown) => {
  if (!(error instanceof LaunchError)) throw error
  print([error.message, ...error.details].join('\n'))
  return { passed: 0, failed: 1 }
})
print(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed > 0 || interrupted ? 1 : 0)
