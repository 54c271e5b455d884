import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { configExitCode, LaunchError } from './launch-error.js'

/**
 * Writes a file that holds keys, or says of them, whole or not at all, and for good once this returns. Owner and readers stay
 * as they were; a new file is its owner's alone. Throws where there is a link in its place: what it leads to is not ours to write.
 */
export function replaceKeyFile(path: string, text: string): void {
  const before = lstatSync(path, { throwIfNoEntry: false })
  if (before !== undefined && !before.isFile())
    throw new LaunchError(`${path} is no file of its own but leads elsewhere: name the place that it leads to`, {
      exitCode: configExitCode,
    })
  const next = `${path}.new`
  // What an interrupted run left, or somebody put there to be written through.
  rmSync(next, { force: true })
  const file = openSync(next, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    if (before !== undefined) handOver(file, before)
    fsyncSync(file)
  } catch (error) {
    rmSync(next, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  renameSync(next, path)
  syncFolder(dirname(path))
}

/** To the owner and the readers of before, whatever the umask is. The owner first: giving a file away may take rights from it. */
function handOver(file: number, { uid, gid, mode }: { uid: number; gid: number; mode: number }): void {
  const made = fstatSync(file)
  if (made.uid !== uid || made.gid !== gid) fchownSync(file, uid, gid)
  fchmodSync(file, mode & 0o777)
}

/** A rename is for good once its folder is written. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
