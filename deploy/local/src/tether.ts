import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { LaunchError } from './launch-error.js'
import { passOn } from './niceness.js'
import { which } from './which.js'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Where what it prints goes: a file descriptor for both streams, or `stdout` and `stderr`. */
  readonly output: number | 'pipe'
  /** What the program gets when this process dies without a word. */
  readonly ifOrphaned: 'SIGINT' | 'SIGTERM' | 'SIGKILL'
  /** PostgreSQL refuses to run as root: drop to this user, keeping the right to enter folders that are closed to it. */
  readonly asNobody?: boolean
}

export interface Tethered {
  readonly pid: number
  readonly stdout: Readable | null
  readonly stderr: Readable | null
  /** How it ended: an exit code or the name of a signal. */
  readonly ended: Promise<number | string>
  /** Asks it to leave, makes it after `withinMs`, and resolves when it is gone. */
  stop(signal: NodeJS.Signals, withinMs: number): Promise<void>
}

export const nobody = 65_534

const setpriv = (process.platform === 'linux' && which('setpriv')) || null

/**
 * Starts a program that cannot outlive this process, not even its SIGKILL. On Linux the kernel sees to it (`setpriv --pdeathsig`):
 * nothing stands in between that could be killed as well. Elsewhere a watchdog process does. The program leads a process
 * group of its own, so that Ctrl-C reaches only the launcher, which then stops things in order.
 */
export async function startTethered(program: Program, via: string | null = setpriv): Promise<Tethered> {
  const [command, args] = via === null ? [program.command, program.args] : underSetpriv(via, program)
  const child = spawn(command, args, {
    env: program.env,
    detached: true,
    stdio: ['ignore', program.output, program.output],
    ...(program.cwd !== undefined && { cwd: program.cwd }),
    ...(via === null && program.asNobody && { uid: nobody, gid: nobody }),
  })
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'gone')),
  )
  const pid = await started(child, program.command)
  passOn(pid)
  if (via === null) watch(pid, program.ifOrphaned, ended)
  return {
    pid,
    stdout: child.stdout,
    stderr: child.stderr,
    ended,
    stop: (signal, withinMs) => stop(child, ended, signal, withinMs),
  }
}

function underSetpriv(setprivFile: string, { command, args, ifOrphaned, asNobody }: Program): [string, string[]] {
  const drop = ['--reuid', `${nobody}`, '--regid', `${nobody}`, '--clear-groups']
  // Root's clones often lie in a folder that only root may enter (/root). This one capability opens it, and the securebit
  // lets access(2) count it too: initdb asks that way whether it may run postgres.
  const enter = ['--inh-caps', '+dac_override', '--ambient-caps', '+dac_override', '--securebits', '+no_setuid_fixup']
  return [
    setprivFile,
    [...(asNobody ? [...drop, ...enter] : []), '--pdeathsig', ifOrphaned.slice(3), '--', command, ...args],
  ]
}

function started(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new LaunchError(`${command} cannot be started: ${error.message}`)))
    child.once('spawn', () => resolve(child.pid as number))
  })
}

async function stop(
  child: ChildProcess,
  ended: Promise<unknown>,
  signal: NodeJS.Signals,
  withinMs: number,
): Promise<void> {
  child.kill(signal)
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
  await ended
  clearTimeout(timer)
}

let watchdog: ChildProcess | undefined

/** The watchdog reads pids from a pipe; when the pipe ends with this process still owing it some, it ends them. */
function watch(pid: number, signal: NodeJS.Signals, ended: Promise<unknown>): void {
  watchdog ??= startWatchdog()
  const { stdin } = watchdog
  stdin?.write(`+${pid} ${signal}\n`)
  void ended.then(() => stdin?.write(`-${pid}\n`))
}

function startWatchdog(): ChildProcess {
  const file = fileURLToPath(new URL('./watchdog.js', import.meta.url))
  const child = spawn(process.execPath, [file], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  child.unref()
  // Without it a SIGKILL would leave children behind: better to stop now, in order.
  child.once('close', () => process.kill(process.pid, 'SIGTERM'))
  child.stdin?.on('error', () => undefined)
  return child
}
