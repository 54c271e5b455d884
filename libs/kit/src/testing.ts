import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port nobody listens on at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      )
    })
  })
}

/** Asks again until the answer is neither undefined nor false, for at most `withinMs`; then says what it waited for. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  withinMs = 10_000,
): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${what}`)
    await sleep(20)
  }
}

export interface TestProcess {
  readonly child: ChildProcess
  /** Everything it printed so far, both streams. */
  output(): string
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>
}

/** Runs a Node program as a process of its own, with exactly this environment and PATH. */
export function startProcess(file: string, env: Record<string, string>, args: readonly string[] = []): TestProcess {
  const child = spawn(process.execPath, ['--enable-source-maps', file, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
  )
  return { child, output: () => printed, ended }
}

/** The stores of this test run; `npm test` brings them up and names them here. */
export function testStores(): { redisUrl: string; databaseUrl: string } {
  const redisUrl = process.env['TEST_REDIS_URL']
  const databaseUrl = process.env['TEST_DATABASE_URL']
  if (redisUrl === undefined || databaseUrl === undefined)
    throw new Error(
      'tests need real stores: run them through `npm test` (for one file: `npm test -- services/users/dist/test/people.test.js`)',
    )
  return { redisUrl, databaseUrl }
}
