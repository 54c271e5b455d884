import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a running process is: its start time and command line, which no other process with this pid will share. */
export function describeProcess(pid: number): string | undefined {
  try {
    if (existsSync('/proc/self/stat')) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (fields[0] === 'Z') return undefined
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      return `${fields[19]} ${command}`
    }
    return execFileSync('ps', ['-o', 'lstart=,command=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return undefined
  }
}

/**
 * Ends the server that this pid file names, should a killed launcher have left it on its way out, and removes the file.
 * A pid that has gone to some other program since is left alone.
 */
export async function endLeftover(pidFile: string, name: string): Promise<void> {
  const pid = existsSync(pidFile) ? Number.parseInt(readFileSync(pidFile, 'utf8'), 10) : Number.NaN
  const isIt = () => pid > 1 && describeProcess(pid)?.includes(name) === true
  for (const [signal, turns] of [
    ['SIGINT', 50],
    ['SIGKILL', 20],
  ] as const) {
    if (isIt()) process.kill(pid, signal)
    for (let turn = 0; turn < turns && isIt(); turn++) await sleep(100)
  }
  rmSync(pidFile, { force: true })
}
