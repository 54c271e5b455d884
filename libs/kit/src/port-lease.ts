import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = join(tmpdir(), `latchkey-ports-${process.getuid?.() ?? 0}`)
const leases = new Set<string>()

/**
 * Whether this process may have a port: no other process of ours that still runs has leased it. A port that was found free is
 * listened on seconds later, by a program that has to start first, and of hundreds of test programs two found the same one.
 */
export function leasePort(port: number): boolean {
  const lease = join(folder, String(port))
  if (!takes(lease)) {
    if (isHeld(lease)) return false
    rmSync(lease, { force: true })
    if (!takes(lease)) return false
  }
  if (leases.size === 0) process.once('exit', () => leases.forEach((each) => rmSync(each, { force: true })))
  leases.add(lease)
  return true
}

function takes(lease: string): boolean {
  mkdirSync(folder, { recursive: true })
  try {
    writeFileSync(lease, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Whoever was killed leaves his behind. */
function isHeld(lease: string): boolean {
  try {
    const holder = Number(readFileSync(lease, 'utf8'))
    // Nobody's yet: it is being taken at this moment.
    if (holder === 0) return true
    process.kill(holder, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
