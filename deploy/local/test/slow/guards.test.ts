import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { query } from '../../src/postgres.js'
import { withPath } from '../../src/store.js'
import { startTestFile } from '../../src/test-file.js'
import { describeFailure, type Failure, type FileResult } from '../../src/test-report.js'
import { type CheckoutCopy, copyCheckout } from './checkout-copy.js'
import { type Guard, guards } from './guards.js'

// It gives way to whatever runs beside it: the others call services that have a second to answer.
setPriority(10)

const atOnce = 2
const longestMs = 90_000

/** Files whose tests run at once: what failed there is not said before all have ended. */
const tellAtTheEnd = new Set<string>()

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
  const test = await startTestFile(compiled(file), {
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

const workspaceOf = (file: string) => file.split('/test/', 1)[0]

// That whole files are green is seen by the rings they belong to; here, that a copy with nothing taken away runs as the original does.
for (const file of new Map(guards.map(({ test }) => [workspaceOf(test), test])).values())
  t.test(`with every guard in place: ${file}`, { buffered: true }, (t) =>
    somewhere(async (place) => {
      const reds = guards.filter(({ test }) => test === file).map(({ red }) => red)
      const { passed, failures } = await runTests(place, file, reds)
      t.ok(passed > 0, 'its tests are found')
      t.equal(failures.map(describeFailure).join('\n'), '')
      t.comment(t.passing() ? 'green' : 'NOT GREEN')
    }),
  )

for (const guard of guards)
  t.test(`taken away: ${guard.guards}`, { buffered: true }, (t) =>
    somewhere(async (place) => {
      try {
        place.copy.change(guard.file, guard.take, guard.put)
        const began = performance.now()
        judge(t, guard, await failuresOf(place, guard))
        t.comment(`${t.passing() ? 'red' : 'NOT RED'} in ${((performance.now() - began) / 1_000).toFixed(1)} s`)
      } finally {
        place.copy.restore(guard.file)
      }
    }),
  )

/** What fails of the guard's test. The first thing not as promised is enough, and what comes after it often waits in vain for long. */
async function failuresOf(place: Place, { test, red }: Guard): Promise<readonly Failure[]> {
  if (!tellAtTheEnd.has(test)) {
    const { failures } = await runTests(place, test, [red], { bail: true })
    if (failures.length !== 1 || !isWordless(failures[0])) return failures
    tellAtTheEnd.add(test)
  }
  return (await runTests(place, test, [red])).failures
}

const isWordless = (failure: Failure | undefined) =>
  failure?.path.length === 1 && failure.path[0]?.startsWith('it ended with') === true

/** Red counts only where the named test itself says that something is not as promised: not a crash, and not the end of its time. */
function judge(t: Test, { test, red }: Guard, failures: readonly Failure[]): void {
  const path = nameParts(red)
  const promised = failures.filter((failure) => path.every((name, level) => failure.path[level] === name))
  const broken = promised.filter((failure) => isAccident(failure))
  t.ok(promised.length > broken.length, `${test}: "${red}" fails`, {
    found: failures.map(describeFailure).join('\n') || 'every test passed',
  })
}

function isAccident({ path, diagnosis }: Failure): boolean {
  const { type, name, code } = (diagnosis ?? {}) as { type?: string; name?: string; code?: string }
  return (
    path.at(-1)?.startsWith('timeout!') === true ||
    code === 'ERR_MODULE_NOT_FOUND' ||
    [type, name].some((kind) => kind === 'TypeError' || kind === 'ReferenceError' || kind === 'SyntaxError')
  )
}
