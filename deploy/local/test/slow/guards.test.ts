import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { query } from '../../src/postgres.js'
import { withPath } from '../../src/store.js'
import { startTestFile } from '../../src/test-file.js'
import { describeFailure, type Failure, type FileResult } from '../../src/test-report.js'
import { type CheckoutCopy, copyCheckout } from './checkout-copy.js'
import { type Guard, guards } from './guards.js'

// More than there are cores: many a test waits in vain for what does not come any more.
const atOnce = 4
const longestMs = 90_000

/**
 * To the first failure at first, for what comes after it often waits in vain for long; then whole, where that said nothing. Some races
 * are lost to a busy machine now and then, so a test that is green without its guard is asked once more.
 */
const tries = [{ bail: true }, { bail: false }, { bail: false }]
/** Files whose tests run at once: what ends at the first failure there does not say at which. */
const wordless = new Set<string>()
const green = 'every test passed'

const folder = mkdtempSync(join(tmpdir(), 'latchkey-guards-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
t.jobs = atOnce

interface Place {
  readonly copy: CheckoutCopy
  /** The databases that its tests make are named after this one. */
  readonly databaseUrl: string
}
const { redisUrl, databaseUrl } = testStores()
const places = await Promise.all(
  Array.from({ length: atOnce }, async (_, n): Promise<Place> => {
    const name = `taken_away_${randomBytes(4).toString('hex')}`
    await query(databaseUrl, `create database ${name}`)
    t.teardown(() => query(databaseUrl, `drop database ${name} with (force)`))
    return { copy: copyCheckout(join(folder, `${n}`)), databaseUrl: withPath(databaseUrl, name) }
  }),
)

/** Runs work at a place where nobody else is; there are as many as tests at once. Leaves it as it was. */
async function somewhere(work: (place: Place) => Promise<void>): Promise<void> {
  const place = places.pop() as Place
  try {
    await work(place)
  } finally {
    await dropLeftovers(place)
    places.push(place)
  }
}

/** A test that ends at the first thing not as promised does not clear up. */
async function dropLeftovers({ databaseUrl }: Place): Promise<void> {
  const like = `${new URL(databaseUrl).pathname.slice(1)}_%`
  const { rows } = await query<{ name: string }>(
    databaseUrl,
    `select datname as name from pg_database where datname like '${like}'`,
  )
  for (const { name } of rows) await query(databaseUrl, `drop database ${name} with (force)`)
}

const compiled = (file: string) => file.replace('/test/', '/dist/test/').replace(/\.ts$/, '.js')
const nameParts = (red: string) => red.split(' > ')
const escape = (text: string) => text.replace(/[/\\^$.*+?()[\]{}|]/g, '\\$&')

/** Runs the named tests of a file, to the first failure if that is enough; what tap filters out, it skips. */
async function runTests(
  { copy, databaseUrl }: Place,
  file: string,
  reds: readonly string[],
  { bail = false }: { readonly bail?: boolean } = {},
): Promise<FileResult> {
  const paths = reds.map(nameParts)
  const depth = Math.max(...paths.map(({ length }) => length))
  const levels = Array.from({ length: depth }, (_, level) =>
    paths.map((path) => path[level]).filter((name) => name !== undefined),
  )
  const test = await startTestFile([compiled(file)], {
    cwd: copy.folder,
    longestMs,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      ...(bail && { TAP_BAIL: '1' }),
      TEST_REDIS_URL: redisUrl,
      TEST_DATABASE_URL: databaseUrl,
      TAP_GREP: levels.map((names) => `/^(?:${[...new Set(names)].map(escape).join('|')})$/`).join('\n'),
    },
  })
  return test.result
}

/** Tests of a part import it as it is; those of the whole run its programs. */
const runsPrograms = (test: string) => test.startsWith('deploy/') || test.endsWith('/process.test.ts')

const workspaceOf = (file: string) => file.split('/test/', 1)[0]

// That whole files are green is seen by the rings they belong to; here, that a copy with nothing taken away runs as the original does.
for (const file of new Map(guards.map(({ test }) => [workspaceOf(test), test])).values())
  t.test(`with every guard in place: ${file}`, { buffered: true }, (t) =>
    somewhere(async (place) => {
      const reds = guards.filter(({ test }) => test === file).map(({ red }) => red)
      const found: string[] = []
      // A machine without time for it may fail it, as it may leave a test green that has lost its guard: it is asked again as often.
      for (const _ of tries) {
        const { passed, failures } = await runTests(place, file, reds)
        if (passed > 0 && failures.length === 0) {
          t.pass('its tests are found, and green')
          return t.comment(`green${found.length > 0 ? ', not the first time' : ''}`)
        }
        found.push(failures.map(describeFailure).join('\n') || 'no test was found')
      }
      t.fail('its tests are green', { found })
    }),
  )

for (const guard of guards)
  t.test(`taken away: ${guard.guards}`, { buffered: true }, (t) =>
    somewhere(async (place) => {
      try {
        place.copy.change(guard.file, guard.take, guard.put)
        if (runsPrograms(guard.test)) await place.copy.bundle(guard.file)
        await goesRed(t, guard, place)
      } finally {
        place.copy.restore(guard.file)
      }
    }),
  )

async function goesRed(t: Test, guard: Guard, place: Place): Promise<void> {
  const began = performance.now()
  const found: string[] = []
  for (const { bail } of tries) {
    if (bail && wordless.has(guard.test)) continue
    const { failures } = await runTests(place, guard.test, [guard.red], { bail })
    if (isRed(guard, failures)) {
      const seconds = ((performance.now() - began) / 1_000).toFixed(1)
      t.pass(`${guard.test}: "${guard.red}" fails`)
      return t.comment(`red in ${seconds} s${found.includes(green) ? ', not the first time' : ''}`)
    }
    if (bail && failures.length > 0) wordless.add(guard.test)
    found.push(failures.map(describeFailure).join('\n') || green)
  }
  t.fail(`${guard.test}: "${guard.red}" fails`, { found })
}

/** Only where the named test itself says that something is not as promised: not a crash, and not the end of its time. */
function isRed({ red }: Guard, failures: readonly Failure[]): boolean {
  const path = nameParts(red)
  const promised = failures.filter((failure) => path.every((name, level) => failure.path[level] === name))
  return promised.some((failure) => !isAccident(failure))
}

function isAccident({ path, diagnosis }: Failure): boolean {
  const { type, name, code } = (diagnosis ?? {}) as { type?: string; name?: string; code?: string }
  return (
    path.at(-1)?.startsWith('timeout!') === true ||
    code === 'ERR_MODULE_NOT_FOUND' ||
    [type, name].some((kind) => kind === 'TypeError' || kind === 'ReferenceError' || kind === 'SyntaxError')
  )
}
