import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { LaunchError } from './launch-error.js'
import { cacheDir } from './places.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import type { Store } from './store.js'
import { startTestFile, type TestFile } from './test-file.js'
import { type Batch, batches, type Ring, testFiles } from './test-files.js'
import { describeFailure } from './test-report.js'

interface TestCounts {
  readonly passed: number
  readonly failed: number
}

const print = (line: string) => process.stdout.write(`${line}\n`)
const running = new Set<TestFile>()
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted = true
    for (const test of running) void test.stop('SIGTERM', 3_000)
  })
}

/** Brings up stores for this run alone, runs the tests on them, and takes everything down again, whatever happens. */
async function runTests(ring: Ring, asked: readonly string[]): Promise<TestCounts> {
  const files = testFiles(asked, ring)
  if (files.length === 0) throw new LaunchError('there are no tests')
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-test-'))
  const stores: Store[] = []
  try {
    const [postgres, redis] = await startStores(folder, stores)
    print(`· on ${postgres.what} and ${redis.what}`)
    return await runAll(
      batches(files),
      rings[ring],
      testEnv({ TEST_DATABASE_URL: postgres.url, TEST_REDIS_URL: redis.url }),
    )
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
const harmless = [
  'PATH',
  'HOME',
  'USER',
  'TMPDIR',
  'LANG',
  'TERM',
  'CI',
  'XDG_CACHE_HOME',
  'NODE_EXTRA_CA_CERTS',
  'DIALECT_DOCUMENTS',
  'FUZZ_SEED',
  'FUZZ_PATH',
  // `full`: the outage of three minutes.
  'OUTAGE',
  // Only the tests whose names match, as tap understands it.
  'TAP_GREP',
]

function testEnv(stores: Record<string, string>): Record<string, string> {
  const seen = harmless.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]] as const]))
  return { ...Object.fromEntries(seen), ...stores }
}

interface Pace {
  /** Files at a time. */
  readonly jobs: number
  readonly longestMs: number
  /** Files that take longer than any other. */
  readonly longer?: Readonly<Record<string, number>>
  /** Whether what tests measured is worth a line each. */
  readonly figures: boolean
  /** These time something: they run one after another, and all others beside them. */
  readonly timed?: readonly string[]
  /** These have much to do and nobody who waits for it: all others, whose services have a second to answer, go first. */
  readonly givingWay?: readonly string[]
  /** These want every core, or compare times that differ by less than a neighbour makes: they come last, with the machine to themselves. */
  readonly alone?: readonly string[]
}

/** An outage under load is timed, and wants its time and most of the machine. */
const rings: Readonly<Record<Ring, Pace>> = {
  test: { jobs: 3, longestMs: 120_000, figures: false },
  'test:slow': {
    jobs: 2,
    longestMs: 600_000,
    longer: { guards: 1_500_000 },
    figures: true,
    timed: [
      'away',
      'carrier',
      'enqueue',
      'guessing',
      'invariants',
      'postgres',
      'queue-redis',
      'races-of-faces',
      'receipts',
      'redis',
      'redis-failover',
      'stop',
      'switchboard',
      'thousand-codes',
      'two-carriers',
      'users',
      'worker',
      'worker-death',
    ],
    givingWay: ['guards', 'images'],
    alone: ['after-outage', 'cluster', 'log-in-flood', 'timing'],
  },
  'test:timing': { jobs: 1, longestMs: 1_500_000, figures: true },
}

/** Runs them with a line for each as it ends; each failure in full under its file, and once more at the end with what tests call figures, to be quoted. */
async function runAll(
  all: readonly Batch[],
  { jobs, longestMs, longer = {}, figures, timed = [], givingWay = [], alone = [] }: Pace,
  env: Record<string, string>,
): Promise<TestCounts> {
  const counts = { passed: 0, failed: 0 }
  const failures: string[] = []
  const quotable: string[] = []
  async function work(waiting: Batch[]): Promise<void> {
    for (let batch = waiting.shift(); batch !== undefined && !interrupted; batch = waiting.shift()) {
      const { name, files } = batch
      const began = Date.now()
      if (figures) print(`…    ${name}`)
      const tell = (figure: string) => {
        if (figures) print(`       ${figure}`)
        if (figure.includes(': figures: ')) quotable.push(`${name} › ${figure}`)
      }
      const test = await startTestFile(files, {
        env,
        longestMs: longer[basename(name, '.test.js')] ?? longestMs,
        tell,
        givesWay: givingWay.includes(basename(name, '.test.js')),
      })
      running.add(test)
      const { passed, failed, failures: found } = await test.result
      running.delete(test)
      counts.passed += passed
      counts.failed += failed
      const described = found.map((failure) => `✗ ${describeFailure({ ...failure, path: [name, ...failure.path] })}\n`)
      failures.push(...described)
      const seconds = ((Date.now() - began) / 1_000).toFixed(1)
      print(
        `${failed > 0 ? 'FAIL' : 'ok  '} ${name}  ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}  ${seconds} s`,
      )
      if (figures) for (const failure of described) print(`\n${failure}`)
    }
  }
  const named = (names: readonly string[]) => all.filter(({ name }) => names.includes(basename(name, '.test.js')))
  const [first, last] = [named(timed), named(alone)]
  const others = all.filter((batch) => ![...first, ...last].includes(batch))
  await Promise.all([work(first), ...Array.from({ length: jobs }, () => work(others))])
  await work(last)
  if (figures && quotable.length > 0) print(['', ...quotable].join('\n'))
  for (const failure of failures) print(`\n${failure}`)
  return counts
}

const isRing = (name: string): name is Ring => name in rings

const [, , ring = 'test', ...asked] = process.argv
const counts = await runTests(isRing(ring) ? ring : 'test', asked).catch((error: unknown) => {
  if (error instanceof LaunchError) print([error.message, ...error.details].join('\n'))
  else print(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return { passed: 0, failed: 1 }
})
print(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed > 0 || interrupted ? 1 : 0)
