import type { Readable } from 'node:stream'
import { Parser, type Result } from 'tap-parser'

export interface Failure {
  /** The sentences that lead to it, outermost first. */
  readonly path: readonly string[]
  readonly diagnosis: unknown
}

export interface FileResult {
  /** Tests of the file, each once, whatever is nested in it. */
  readonly passed: number
  readonly failed: number
  readonly failures: readonly Failure[]
}

/** Hears the figures that tests tell, each with the name of its test, as they come. */
export type Tell = (figure: string) => void

/** Reads what one test file prints (TAP) until it ends. */
export async function readTap(output: Readable, tell: Tell): Promise<FileResult> {
  const failures: Failure[] = []
  const counts = { passed: 0, failed: 0 }
  const parser = new Parser()
  parser.on('assert', ({ ok, skip, todo }: Result) => {
    if (skip || todo) return
    if (ok) counts.passed++
    else counts.failed++
  })
  collectFailures(parser, [], failures)
  tellFigures(parser, '', tell)
  await new Promise<void>((resolve) => {
    parser.once('complete', () => resolve())
    output.on('data', (chunk: Buffer) => parser.write(chunk))
    output.once('close', () => parser.end())
  })
  return { ...counts, failures }
}

/** Of a failed test only the innermost cause is kept: that its parents failed too says nothing. */
function collectFailures(parser: Parser, path: readonly string[], failures: Failure[]): void {
  let before = failures.length
  parser.on('child', (child: Parser) => {
    before = failures.length
    collectFailures(child, [...path, child.name], failures)
  })
  parser.on('assert', (result: Result) => {
    const inner = failures.length - before
    if (!result.ok && !result.skip && !result.todo && inner === 0)
      failures.push({ path: [...path, result.name], diagnosis: result.diag })
    before = failures.length
  })
}

function tellFigures(parser: Parser, name: string, tell: Tell): void {
  parser.on('child', (child: Parser) => tellFigures(child, child.name, tell))
  parser.on('comment', (comment: string) => {
    const text = comment.replace(/^\s*#\s?/, '').trimEnd()
    // What the reporter itself adds: the name of the test, its time, its counts.
    if (name !== '' && text !== '' && !/^(?:Subtest|time=|\w+ \d+ of \d+)/.test(text)) tell(`${name}: ${text}`)
  })
}

/** A failure in full. */
export function describeFailure({ path, diagnosis }: Failure): string {
  const members = typeof diagnosis === 'object' && diagnosis !== null ? Object.entries(diagnosis) : []
  return [path.join(' > '), ...members.flatMap(member).map((line) => `    ${line}`)].join('\n')
}

function member([name, value]: [string, unknown]): string[] {
  if (typeof value === 'string' && value.includes('\n'))
    return [
      `${name}:`,
      ...value
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}`),
    ]
  return [`${name}: ${typeof value === 'string' ? value : JSON.stringify(value)}`]
}
