import type { Readable } from 'node:stream'
import { Parser, type Result } from 'tap-parser'

export interface TestCounts {
  passed: number
  failed: number
}

interface Failure {
  readonly path: readonly string[]
  readonly diagnosis: unknown
}

/** Reads TAP, prints a line per test file as it ends and every failure in full at the end, and counts tests. */
export async function reportTests(tap: Readable, print: (line: string) => void): Promise<TestCounts> {
  const counts: TestCounts = { passed: 0, failed: 0 }
  const failures: Failure[] = []
  const parser = new Parser()
  parser.on('child', (file: Parser) => {
    let passed = 0
    let failed = 0
    file.on('assert', (result: Result) => {
      if (result.skip || result.todo) return
      if (result.ok) passed++
      else failed++
    })
    parser.once('assert', (result: Result) => {
      // A file can fail with every test of it passed: it crashed, or never ended.
      if (!result.ok && failed === 0) failed = 1
      counts.passed += passed
      counts.failed += failed
      const time = result.time ? `  ${(result.time / 1_000).toFixed(1)} s` : ''
      print(
        `${failed > 0 ? 'FAIL' : 'ok  '} ${file.name}  ${passed} passed${failed > 0 ? `, ${failed} failed` : ''}${time}`,
      )
    })
  })
  collectFailures(parser, [], failures)
  await new Promise<void>((resolve) => {
    parser.once('complete', () => resolve())
    tap.on('data', (chunk: Buffer) => parser.write(chunk))
    tap.once('close', () => parser.end())
  })
  for (const failure of failures) print(`\n✗ ${describeFailure(failure)}`)
  if (failures.length > 0) print('')
  return counts
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
    before = failures.length
    if (result.ok || result.skip || result.todo || inner > 0) return
    failures.push({ path: [...path, result.name], diagnosis: result.diag })
    before = failures.length
  })
}

function describeFailure({ path, diagnosis }: Failure): string {
  const lines =
    typeof diagnosis === 'object' && diagnosis !== null
      ? Object.entries(diagnosis).flatMap(([name, value]) => member(name, value))
      : []
  return [path.join(' > '), ...lines.map((line) => `    ${line}`)].join('\n')
}

function member(name: string, value: unknown): string[] {
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
