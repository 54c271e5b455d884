import { delimiter } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { giveWay } from './niceness.js'
import { root } from './places.js'
import { startTethered, type Tethered } from './tether.js'
import { type FileResult, readTap, type Tell } from './test-report.js'

export interface TestFile extends Pick<Tethered, 'stop'> {
  readonly result: Promise<FileResult>
}

interface TestFileOptions {
  readonly env: Readonly<Record<string, string>>
  readonly longestMs: number
  /** Where it lies and runs, if not in this checkout. */
  readonly cwd?: string
  readonly tell?: Tell
  /** Whether it, and all it starts, gives way to others that want the machine. */
  readonly givesWay?: boolean
}

const inOneProcess = fileURLToPath(new URL('./one-process.js', import.meta.url))

/**
 * Runs a test file, or several in one process: a program that prints TAP. Run plainly, and not by tap's own runner, whose hooks into every child
 * process would sit in the services under test too. Whatever processes it leaves behind are ended with it.
 */
export async function startTestFile(
  files: readonly string[],
  { env, longestMs, cwd = root, tell = () => undefined, givesWay = false }: TestFileOptions,
): Promise<TestFile> {
  const program = await startTethered({
    command: process.execPath,
    args: ['--enable-source-maps', ...(files.length === 1 ? files : [inOneProcess])],
    cwd,
    env: { ...env, TEST_FILES: files.join(delimiter), TAP_TIMEOUT: String(longestMs / 1_000) },
    output: 'pipe',
    ifOrphaned: 'SIGKILL',
  })
  if (givesWay) giveWay(program.pid, 5)
  return { stop: program.stop, result: finish(program, longestMs, tell) }
}

async function finish(program: Tethered, longestMs: number, tell: Tell): Promise<FileResult> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    endGroup(program.pid)
  }, longestMs + 5_000)
  const [result, exit, complaints] = await Promise.all([
    readTap(program.stdout as Readable, tell),
    program.ended,
    textOf(program.stderr as Readable),
  ])
  clearTimeout(timer)
  endGroup(program.pid)
  if (exit === 0 || (result.failed > 0 && complaints === '')) return result
  // It can end badly with every test passed: it crashed, or never ended.
  const how = late ? `it did not end within ${longestMs / 1_000} s` : `it ended with ${exit}`
  const end = { path: [how], diagnosis: { stderr: `${complaints}\n` } }
  return { ...result, failed: Math.max(result.failed, 1), failures: [...result.failures, end] }
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}

async function textOf(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text = `${text}${String(chunk)}`.slice(-20_000)
  return text
}
