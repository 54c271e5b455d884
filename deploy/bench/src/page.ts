import type { Figure, Row } from './bench.js'
import { notes } from './notes.js'
import { median, type Results, shown } from './results.js'
import { sizing } from './sizing.js'
import { table } from './table.js'
import { composites, judge, type Target } from './targets.js'

/** When, where and on what a run was made. */
export interface Circumstances {
  readonly date: string
  readonly minutes: number
  readonly commit: string
  readonly stores: readonly string[]
  readonly machine: string
  /** The load average before it began: what else the machine had to do. */
  readonly loadBefore: number
  /** Rows that could not be measured. */
  readonly broken: readonly string[]
  readonly contenders: Readonly<Record<string, string>>
}

/** What a run came to, and how it came to it; docs/benchmarks.json. */
export interface Run {
  readonly circumstances: Circumstances
  readonly results: Readonly<Record<string, readonly Figure[]>>
}

/** The Markdown of docs/benchmarks.md: how it is measured, and what the last run came to, where there was one. */
export function renderPage(rows: readonly Row[], run?: Run): string {
  return `${[
    '# Benchmarks',
    `<!-- Written by \`npm run bench\`; changes belong into deploy/bench/src/page.ts. -->`,
    how,
    '## What is measured',
    table(
      ['row', 'what is done and counted'],
      rows.map(({ name, what }) => [`\`${name}\``, what]),
    ),
    limits,
    ...(run === undefined ? [none] : figures(rows, new Map(Object.entries(run.results)), run.circumstances)),
  ].join('\n\n')}\n`
}

const how = `\`npm run bench\` measures Latchkey beside two others, in one run on one machine, and writes this page. Nothing needs to be
running; it takes under an hour, wants Linux (CPU is read from \`/proc\`), and a machine where nothing else happens. The figures are kept in \`benchmarks.json\` beside it.
\`npm run bench -- --only sign-up,answer\` runs some rows, and writes nothing.

- **Who**: Latchkey in production configuration, all three processes. **The documents' shape**: what the documents of our
  [dialects](dialects.md) describe, one Express process with pg, bcrypt at cost 10 and Twilio's SDK awaited in the request. **better-auth**
  with its phone number and JWT plugins as its documentation configures them, the carrier awaited or not, with and without Redis as
  its secondary storage. Rate limits by address are off for all. Their versions are pinned in \`deploy/bench/contenders\`, apart from ours.
- **On what**: one PostgreSQL and one Redis for all, as production has them (what is committed survives), a database each.
- **The carrier** is a stand-in that answers after log-normal waits, median 250 ms, 99 % within 1.2 s: the same waits for everybody in a round.
- **The load** is open: requests start when they are due, however slowly the others are answered, and latency counts from the
  moment a request was *due*. Without that, a server that stalls would slow its own examiner down.
- **CPU** is what the kernel's scheduler says the contender's processes and the two stores had, until 1.5 s after the load, divided by
  requests: work that is done after the reply counts.
- **Rounds**: contenders take turns (A B C A B C …). Figures are medians over the rounds, ranges in brackets. Only ratios
  within one run mean anything.`

const limits = `**The composite limit** of a request is the sum of the bare parts it cannot do without, measured in the same run (row
\`primitives\`): ${Object.entries(composites)
  .map(
    ([name, parts]) =>
      `*${name}*: ${Object.entries<number>(parts)
        .map(([part, times]) => (times === 1 ? part : `${times} × ${part}`))
        .join(' + ')}`,
  )
  .join('; ')}. The share of it says how much of what we spend is the parts, and how much is us.`

const none = `## The last run

None was made on a quiet machine yet; there are no figures here until one is.`

function figures(rows: readonly Row[], results: Results, circumstances: Circumstances): string[] {
  const targets = judge(results)
  const missed = targets.filter(({ met }) => !met)
  return [
    '## The last run',
    made(circumstances, results),
    '### Targets',
    targetTable(targets),
    '### What was not better',
    missed.length === 0
      ? 'Every target was met.'
      : missed
          .map(({ what, wanted, figure, unit }) =>
            [`- ${what}: ${shown(figure)} ${unit}, wanted ${wanted}.`, notes[what] ?? ''].join(' ').trim(),
          )
          .join('\n'),
    '### Figures',
    ...rows.flatMap(({ name }) => {
      const found = results.get(name)
      return found === undefined ? [] : [`#### ${name}`, figureTable(found)]
    }),
    ...sizing(results),
  ]
}

function made(circumstances: Circumstances, results: Results): string {
  const { date, minutes, commit, machine, stores, contenders, loadBefore, broken } = circumstances
  const versions = Object.entries(contenders).map(([name, version]) => `${name} ${version}`)
  return `${date}, commit ${commit}, ${minutes} minutes. ${machine}; ${stores.join('; ')}; ${versions.join(', ')}. Load average before it: ${loadBefore.toFixed(2)}.
Noise: half of all figures varied by less than ${shown(noise(results))} % of their median between rounds.${
    broken.length === 0 ? '' : ` Could not be measured: ${broken.join(', ')}.`
  }`
}

/** The middle of (most − least) / median over all figures of several rounds, in percent. */
function noise(results: Results): number {
  const spreads = [...results.values()].flat().flatMap(({ values }) => {
    const middle = median(values)
    return values.length < 2 || middle === 0 ? [] : [(100 * (Math.max(...values) - Math.min(...values))) / middle]
  })
  return median(spreads)
}

/** Every target beside its figure. */
export const targetTable = (targets: readonly Target[]): string =>
  table(
    ['target', 'wanted', 'figure', ''],
    targets.map(({ what, wanted, figure, unit, met }) => [
      what,
      wanted.trim(),
      `${shown(figure)} ${unit}`.trim(),
      Number.isNaN(figure) ? 'not measured' : met ? 'met' : '**not met**',
    ]),
  )

/** The figures of one row: a line a figure, a column a contender. */
export function figureTable(found: readonly Figure[]): string {
  const contenders = [...new Set(found.map(({ contender }) => contender))]
  const names = [...new Set(found.map(({ name }) => name))]
  const cell = (name: string, contender: string) => {
    const figure = found.find((one) => one.name === name && one.contender === contender)
    if (figure === undefined) return ''
    const range =
      figure.values.length > 1 ? ` (${shown(Math.min(...figure.values))}–${shown(Math.max(...figure.values))})` : ''
    return `${shown(median(figure.values))}${range}`
  }
  const unit = (name: string) => found.find((one) => one.name === name)?.unit ?? ''
  return table(
    ['', ...contenders],
    names.map((name) => [`${name} ${unit(name)}`.trim(), ...contenders.map((contender) => cell(name, contender))]),
  )
}
