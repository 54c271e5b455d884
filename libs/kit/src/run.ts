import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ConfigError } from './config.js'

export interface Scope {
  /** Registers a closing step at the moment its thing is opened. Steps run last-opened-first. Throws where the process was told to stop meanwhile: so a start opens nothing more. */
  defer(name: string, close: () => unknown): void
  /** Ends the process for a reason it cannot work with (a wrong Redis policy), closing everything first. */
  fail(error: Error): void
  /** Whether the start is through, and nothing asked for the end. */
  started(): boolean
}

class StartCalledOff extends Error {
  override readonly name = 'StartCalledOff'
}

/** Prints a configuration error as one clear block and exits 78; there is no log to write to yet. */
export function configure<T>(load: () => T): T {
  try {
    return load()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(error.exitCode)
  }
}

/** Starts a process and keeps it until a signal; then closes every step, even when one fails or hangs. A second signal exits at once. */
export async function run(
  log: Logger,
  start: (scope: Scope) => Promise<void>,
  { stepTimeoutMs = 10_000 } = {},
): Promise<void> {
  const steps: { name: string; close: () => unknown }[] = []
  let started = false
  let stopping = false
  let exitCode = 0
  let starting: Promise<void> = Promise.resolve()

  function defer(name: string, close: () => unknown): void {
    steps.push({ name, close })
    if (stopping) throw new StartCalledOff('the process is stopping')
  }
  async function stop(reason: string): Promise<void> {
    stopping = true
    log.info({ reason }, 'stopping')
    const close = async (step: (typeof steps)[number]) => {
      if (!(await closes(log, step, stepTimeoutMs))) exitCode = exitCode || 1
    }
    // A start that is under way would go on opening things whose stores are closed already.
    await close({ name: 'start', close: () => starting.catch(() => undefined) })
    for (const step of steps.reverse()) await close(step)
    log.info({ exitCode }, 'stopped')
    process.exit(exitCode)
  }
  function fail(error: Error): void {
    log.fatal({ err: error }, 'cannot go on')
    exitCode = exitCode || (error instanceof ConfigError ? error.exitCode : 1)
    // Two connections to one wrong Redis fail together: the second reason hurries nobody, and the first one is the exit code.
    if (!stopping) void stop(error.name)
  }
  function leave(signal: string): void {
    if (stopping) process.exit(1)
    void stop(signal)
  }

  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', (reason) => fail(reason instanceof Error ? reason : new Error(String(reason))))

  try {
    starting = start({ defer, fail, started: () => started && !stopping })
    await starting
    started = true
    log.info('started')
  } catch (error) {
    if (!(error instanceof StartCalledOff)) fail(error instanceof Error ? error : new Error(String(error)))
  }
}

async function closes(
  log: Logger,
  { name, close }: { name: string; close: () => unknown },
  timeoutMs: number,
): Promise<boolean> {
  const tooLate = sleep(timeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`${name} did not close within ${timeoutMs} ms`)
  })
  try {
    await Promise.race([Promise.resolve().then(close), tooLate])
    return true
  } catch (err) {
    log.error({ err, step: name }, 'a step did not close')
    return false
  }
}
