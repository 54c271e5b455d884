import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '@latchkey/local/places'
import { type Figure, openBench } from './bench.js'
import { lastRun, writeLastRun, writePage } from './last-run.js'
import { type Circumstances, figureTable, targetTable } from './page.js'
import { rows } from './rows.js'
import { fullScale, smokeScale } from './scale.js'
import { judge } from './targets.js'

const usage = `usage: npm run bench [-- --only row,row] [--smoke] [--page]\n\n  --only   these rows, and no page: ${rows.map(({ name }) => name).join(', ')}\n  --smoke  whether it works: a moment of each, whose figures mean nothing, and no page\n  --page   writes the page anew from the figures of the last run\n`

function readArguments() {
  try {
    const { values } = parseArgs({
      // Through npm's launcher the command's own name comes first.
      args: process.argv.slice(2).filter((one) => one !== 'bench'),
      options: {
        only: { type: 'string' },
        smoke: { type: 'boolean', default: false },
        page: { type: 'boolean', default: false },
      },
    })
    const only = values.only?.split(',').map((name) => name.trim())
    const unknown = only?.find((name) => !rows.some((row) => row.name === name))
    if (unknown !== undefined) throw new Error(`there is no row ${unknown}`)
    return { ...values, only }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

const began = performance.now()
const elapsed = () => {
  const seconds = Math.round((performance.now() - began) / 1_000)
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`
}
const say = (line: string) => void process.stdout.write(`${elapsed()} ${line}\n`)

const { only, smoke, page: pageOnly } = readArguments()
if (pageOnly) {
  writePage(lastRun())
  process.exit(0)
}
const [loadBefore = Number.NaN] = loadavg()
if (loadBefore > 0.5 && !smoke)
  say(`the machine is busy (load average ${loadBefore.toFixed(1)}): figures will mean little`)
const bench = await openBench(smoke ? smokeScale : fullScale, say)
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    interrupted = true
    void bench.close().then(() => process.exit(1))
  })
say(`on ${bench.place.stores.join(' and ')}`)

const results = new Map<string, readonly Figure[]>()
const broken: string[] = []
const wanted = rows.filter(({ name }) => only?.includes(name) ?? true)
for (const [at, row] of wanted.entries()) {
  say(`${row.name} (${at + 1} of ${wanted.length})`)
  try {
    const figures = await row.run(bench)
    results.set(row.name, figures)
    process.stdout.write(`\n${figureTable(figures)}\n\n`)
  } catch (error) {
    if (interrupted) break
    broken.push(row.name)
    say(`${row.name} could not be measured: ${error instanceof Error ? error.message : String(error)}`)
  }
}
if (!interrupted) {
  await bench.close()
  process.stdout.write(`${targetTable(judge(results))}\n`)
  if (only === undefined && !smoke) {
    writeLastRun({ circumstances: circumstances(), results: Object.fromEntries(results) })
    say('docs/benchmarks.md is written')
  }
  say(broken.length === 0 ? 'done' : `done, without ${broken.join(', ')}`)
  process.exit(broken.length === 0 ? 0 : 1)
}

function circumstances(): Circumstances {
  const { dependencies } = JSON.parse(readFileSync(join(bench.place.programs, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const model = cpus()[0]?.model.trim() ?? 'CPU'
  return {
    date: new Date().toISOString().slice(0, 10),
    minutes: Math.round((performance.now() - began) / 60_000),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim(),
    machine: `${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}, Node ${process.version}`,
    stores: bench.place.stores,
    loadBefore,
    contenders: dependencies,
    broken,
  }
}
