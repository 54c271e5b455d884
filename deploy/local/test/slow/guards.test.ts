import { mkdtempSync, rmSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { startTestFile } from '../../src/test-file.js'
import { describeFailure, type Failure, type FileResult } from '../../src/test-report.js'
import { type CheckoutCopy, copyCheckout } from './checkout-copy.js'
import { type Guard, guards } from './guards.js'

// It gives way to whatever runs beside it: the others call services that have a second to answer.
setPriority(10)

const atOnce = 2
const longestMs = 90_000

const folder = mkdtempSync(join(tmpdir(), 'latchkey-guards-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const copies = Array.from({ length: atOnce }, (_, n) => copyCheckout(join(folder, `${n}`)))
t.jobs = atOnce

/** Runs work in a copy that nobody else is in; there are as many as tests at once. */
async function inCopy(work: (copy: CheckoutCopy) => Promise<void>): Promise<void> {
  const copy = copies.pop() as CheckoutCopy
  try {
    await work(copy)
  } finally {
    copies.push(copy)
  }
}

const compiled = (file: string) => file.replace('/test/', '/dist/test/').replace(/\.ts$/, '.js')
const nameParts = (red: string) => red.split(' > ')
const escape = (text: string) => text.replace(/[/\\^$.*+?()[\]{}|]/g, '\\$&')

/** Runs the named tests of a file; what tap filters out, it skips. */
async function runTests(copy: CheckoutCopy, file: string, reds: readonly string[]): Promise<FileResult> {
  const paths = reds.map(nameParts)
  const depth = Math.max(...paths.map(({ length }) => length))
  const levels = Array.from({ length: depth }, (_, level) =>
    paths.map((path) => path[level]).filter((name) => name !== undefined),
  )
  const { redisUrl, databaseUrl } = testStores()
  const test = await startTestFile(compiled(file), {
    cwd: copy.folder,
    longestMs,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
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
    inCopy(async (copy) => {
      const reds = guards.filter(({ test }) => test === file).map(({ red }) => red)
      const { passed, failures } = await runTests(copy, file, reds)
      t.ok(passed > 0, 'its tests are found')
      t.equal(failures.map(describeFailure).join('\n'), '')
      t.comment(t.passing() ? 'green' : 'NOT GREEN')
    }),
  )

for (const guard of guards)
  t.test(`taken away: ${guard.guards}`, { buffered: true }, (t) =>
    inCopy(async (copy) => {
      try {
        copy.change(guard.file, guard.take, guard.put)
        const began = performance.now()
        const { failures } = await runTests(copy, guard.test, [guard.red])
        judge(t, guard, failures)
        t.comment(`${t.passing() ? 'red' : 'NOT RED'} in ${((performance.now() - began) / 1_000).toFixed(1)} s`)
      } finally {
        copy.restore(guard.file)
      }
    }),
  )

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
