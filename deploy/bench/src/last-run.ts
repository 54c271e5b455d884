import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '@latchkey/local/places'
import { type Run, renderPage } from './page.js'
import { rows } from './rows.js'

const figures = join(root, 'docs/benchmarks.json')
const page = join(root, 'docs/benchmarks.md')

/** The run whose figures are kept; undefined before the first. */
export function lastRun(): Run | undefined {
  if (!existsSync(figures)) return undefined
  // JSON knows no NaN: what could not be told was written as null.
  return JSON.parse(readFileSync(figures, 'utf8'), (_key, value: unknown) => value ?? Number.NaN) as Run
}

/** Keeps the figures of a run, and writes the page that shows them. */
export function writeLastRun(run: Run): void {
  writeFileSync(figures, `${JSON.stringify(run, null, 1)}\n`)
  writePage(run)
}

/** Writes docs/benchmarks.md: with a note that was added since, or a row described better, no run is due. */
export function writePage(run: Run | undefined): void {
  writeFileSync(page, renderPage(rows, run))
}
