import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LaunchError } from './launch-error.js'
import { describeProcess } from './process-table.js'

/** Takes a data folder for this process until it ends. Throws while another launcher that is still alive has it. */
export function lockDataDir(dir: string): void {
  const lock = join(dir, 'launcher.lock')
  const mine = join(dir, `launcher.${process.pid}.lock`)
  writeFileSync(mine, JSON.stringify({ pid: process.pid, is: describeProcess(process.pid) }))
  try {
    // A link is made with its content in place or not at all; a plain write could be read half done.
    while (!linked(mine, lock)) {
      const holder = readHolder(lock)
      if (holder !== undefined && describeProcess(holder.pid) === holder.is) {
        throw new LaunchError(
          `Latchkey is already running on ${dir} (process ${holder.pid}): stop it first, or set LATCHKEY_DATA_DIR and the ports for a second one`,
        )
      }
      rmSync(lock, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
  process.once('exit', () => rmSync(lock, { force: true }))
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readHolder(lock: string): { pid: number; is: string } | undefined {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as { pid: number; is: string }
  } catch {
    return undefined
  }
}
