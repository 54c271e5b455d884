import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventually, freePort, startProcess } from '../src/testing.js'

const kit = (module: string) => JSON.stringify(new URL(`../src/${module}.js`, import.meta.url).href)

/** A program of its own that lives by `run`; `body` is what it does with `scope`. */
function program(body: string, options = '') {
  const file = join(mkdtempSync(join(tmpdir(), 'latchkey-run-')), 'program.mjs')
  writeFileSync(
    file,
    `import { createLog } from ${kit('log')}; import { configure, run } from ${kit('run')}; import { ConfigError } from ${kit('config')}
     const say = (text) => process.stdout.write(text + '\\n'); const alive = setInterval(() => {}, 1000)
     await run(createLog('test', 'info'), async (scope) => { ${body} } ${options})`,
  )
  const made = startProcess(file, {})
  t.teardown(() => made.child.kill('SIGKILL'))
  return made
}
const started = (made: ReturnType<typeof program>) =>
  eventually('the start', async () => made.output().includes('"started"'))

t.test('what was opened last is closed first, and the end is 0', async (t) => {
  const made = program(
    `scope.defer('first', () => say('close first')); scope.defer('second', () => say('close second'))`,
  )
  await started(made)
  made.child.kill('SIGTERM')
  t.equal(await made.ended, 0)
  t.ok(made.output().indexOf('close second') < made.output().indexOf('close first'))
})

t.test('a step that hangs or fails is skipped, and told by the exit code', async (t) => {
  const made = program(
    `scope.defer('last', () => say('still closed')); scope.defer('failing', () => { throw new Error('no') }); scope.defer('hanging', () => new Promise(() => {}))`,
    ', { stepTimeoutMs: 100 }',
  )
  await started(made)
  made.child.kill('SIGTERM')
  t.equal(await Promise.race([made.ended, sleep(3_000, 'still there', { ref: false })]), 1)
  t.match(made.output(), 'still closed')
})

t.test('members that hold secrets are in no line, an undo token neither', async (t) => {
  const made = program(
    `const log = createLog('test', 'info')
     log.info({ undoToken: 'canary', job: { undoToken: 'canary', of: { undoToken: 'canary', password: 'canary' } } }, 'said')`,
  )
  await eventually('the line', async () => made.output().includes('"said"'))
  t.match(made.output(), '[redacted]')
  t.notMatch(made.output(), 'canary')
  made.child.kill('SIGKILL')
})

t.test('a second signal does not wait', async (t) => {
  const made = program(
    `scope.defer('slow', () => { say('closing'); return new Promise(() => {}) })`,
    ', { stepTimeoutMs: 30_000 }',
  )
  await started(made)
  made.child.kill('SIGTERM')
  await eventually('the closing', async () => made.output().includes('closing'))
  made.child.kill('SIGTERM')
  t.equal(await Promise.race([made.ended, sleep(3_000, 'still there', { ref: false })]), 1)
})

t.test('a start that fails closes what it had opened; a wrong configuration ends with 78', async (t) => {
  const broken = program(`scope.defer('opened', () => say('closed')); throw new Error('no luck')`)
  t.equal(await broken.ended, 1)
  t.match(broken.output(), 'closed')
  const wrong = program(`scope.fail(new ConfigError(['REDIS_URL evicts']))`)
  t.equal(await wrong.ended, 78)
})

t.test(
  'told to stop while it starts, it opens nothing more, closes what it has in order, and ends with 0',
  async (t) => {
    const made = program(
      `scope.defer('first', () => say('close first')); say('opening'); await new Promise((resolve) => setTimeout(resolve, 300));
     scope.defer('second', () => say('close second')); say('opened too much')`,
    )
    await eventually('the middle of the start', async () => made.output().includes('opening'))
    made.child.kill('SIGTERM')
    t.equal(await made.ended, 0)
    t.notMatch(made.output(), /opened too much|"level":[456]0|"started"/)
    t.match(made.output(), /close second\n[^]*close first\n[^]*"stopped"/)
  },
)

t.test('two failures at once end once, with the code of the first, and everything closed', async (t) => {
  const both = program(
    `scope.defer('slow', () => new Promise((resolve) => setTimeout(resolve, 200)).then(() => say('closed')));
     scope.fail(new ConfigError(['REDIS_URL evicts'])); scope.fail(new Error('and the queue too'))`,
  )
  t.equal(await both.ended, 78)
  t.match(both.output(), /closed[^]*"stopped"/)
})

t.test('a service is ready once its start is through, not as soon as it can be asked', async (t) => {
  const port = await freePort()
  const ready = `fetch('http://127.0.0.1:${port}/ready').then(({ status }) => say('ready ' + status))`
  const made = program(
    `const { createMetrics, startOps } = await import(${kit('ops')})
     const ops = { host: '127.0.0.1', port: ${port}, log: createLog('test', 'fatal'), metrics: createMetrics('test') }
     await startOps({ ...ops, checks: {}, started: scope.started })
     await ${ready}
     setImmediate(() => ${ready})`,
  )
  await eventually('both answers', async () => made.output().includes('ready 200'))
  t.match(made.output(), /ready 503[^]*ready 200/)
  made.child.kill('SIGKILL')
})
