import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { leasePort } from './port-lease.js'

/** A port nobody listens on at the moment, below those the system gives to outgoing connections: one of these would take it meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 32_000)
    if ((await isFree(port)) && leasePort(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
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

/** The URL of a Redis database that nobody else in this run uses, for processes that take the queues' real names. Numbers go round. */
export async function ownRedis(): Promise<string> {
  const url = new URL(testStores().redisUrl)
  const redis = new Redis(url.href)
  try {
    const [, count = '16'] = await redis.config('GET', 'databases')
    const turn = await redis.incr('latchkey:test:stacks')
    url.pathname = `/${1 + (turn % (Number(count) - 1))}`
    return url.href
  } finally {
    redis.disconnect()
  }
}
