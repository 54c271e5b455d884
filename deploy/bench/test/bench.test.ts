import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '@latchkey/local/places'
import t from 'tap'
import { cpuBetween, cpuTimes } from '../src/cpu.js'
import { createClient } from '../src/http.js'
import { openLoop, percentileMs } from '../src/open-loop.js'
import { lastRun } from '../src/last-run.js'
import { notes } from '../src/notes.js'
import { renderPage } from '../src/page.js'
import { rows } from '../src/rows.js'
import { sizing } from '../src/sizing.js'
import { judge } from '../src/targets.js'

t.test('a server that stalls is charged for everybody who was due meanwhile', async (t) => {
  const server = createServer((_request, response) => response.end())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const client = createClient(`http://127.0.0.1:${(server.address() as { port: number }).port}`)
  t.teardown(() => client.close())
  let stall: Promise<void> | undefined
  const ask = async (turn: number) => {
    if (turn === 20) stall = sleep(300)
    await stall
    return client.get('/', { expect: 200 })
  }
  const load = await openLoop(ask, { perSecond: 200, turns: 80 })
  t.equal(load.asked, 80, 'nobody is left out because others wait')
  t.equal(load.failed, 0)
  t.ok(percentileMs(load, 99) > 280, 'who was due first waited for all of it')
  t.ok(percentileMs(load, 50) > 50, 'and so did, a little less, everybody behind')
})

t.test('CPU is what a process had of it, not how long it took', { skip: process.platform !== 'linux' }, async (t) => {
  const sleeper = spawn('sleep', ['60'])
  t.teardown(() => sleeper.kill())
  await once(sleeper, 'spawn')
  const processes = { self: process.pid, sleeper: sleeper.pid ?? 0 }
  const before = cpuTimes(processes)
  const began = process.cpuUsage()
  const usedUs = () => Object.values(process.cpuUsage(began)).reduce((sum, us) => sum + us, 0)
  while (usedUs() < 100_000) for (let turn = 0; turn < 1_000_000; turn += 1) Math.sqrt(turn)
  const used = cpuBetween(before, cpuTimes(processes))
  const ofTheProcess = usedUs()
  const [busyUs, idleUs] = [used.get('self') ?? 0, used.get('sleeper') ?? Number.NaN]
  t.ok(idleUs < 50_000, `${idleUs} µs of who sleeps meanwhile`)
  t.ok(Math.abs(busyUs - ofTheProcess) < 40_000, `${busyUs} µs, by the process itself ${ofTheProcess}`)
})

t.test('a target is judged by medians of one run, and what was not measured is not met', async (t) => {
  const figure = (contender: string, name: string, ...values: number[]) => ({
    contender,
    name,
    unit: 'ms' as const,
    values,
  })
  const results = new Map([
    ['sign-up-password', [figure('Latchkey', 'p50', 9, 10, 900), figure("documents' shape", 'p50', 260, 300, 250)]],
  ])
  const [first, second] = judge(results)
  t.match(first, { figure: 26, met: true })
  t.match(second, { figure: Number.NaN, met: false })
})

t.test('what a machine needs is its figures times the codes, and twice that', async (t) => {
  const cost = (name: string, us: number) => ({ contender: 'Latchkey', name, unit: 'µs' as const, values: [us] })
  const page = sizing(
    new Map([['code-log-in', [cost('ask: CPU of gateway', 1_000), cost('answer: CPU of gateway', 2_500)]]]),
  ).join('\n')
  t.match(page, '| 1,000 | 3.5 → 7 | – → – |')
  t.match(page, '| 10,000 | 35 → 70 | – → – |')
})

t.test('each note is about a target', async (t) => {
  const targets = judge(new Map()).map(({ what }) => what)
  for (const what of Object.keys(notes)) t.ok(targets.includes(what), what)
})

t.test('docs/benchmarks.md is what the command writes of the last run', async (t) => {
  t.equal(
    readFileSync(join(root, 'docs/benchmarks.md'), 'utf8'),
    renderPage(rows, lastRun()),
    'node deploy/bench/dist/src/main.js --page',
  )
})
