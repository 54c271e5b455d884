import { writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** From now on the program, and all that it starts by `startTethered`, gives way to others that want the machine. */
export function giveWay(pid: number, nice: number): void {
  setPriority(pid, nice)
  giveWayAsSession(pid, nice)
}

/** A program that this one starts in a session of its own gives way as this one does. */
export function passOn(pid: number): void {
  const nice = getPriority()
  if (nice > 0) giveWayAsSession(pid, nice)
}

/**
 * Linux shares the machine out among sessions first, and what is nice within one counts within it only: sched(7), "The
 * autogroup feature". A kernel without it, or in a hurry (whoever is not root may do this ten times a second), leaves it undone.
 */
function giveWayAsSession(pid: number, nice: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, `${nice}`)
  } catch {
    // Others have a little less of the machine.
  }
}
