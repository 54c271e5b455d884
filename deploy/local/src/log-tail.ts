import { existsSync, readFileSync } from 'node:fs'

/** The last lines of a log, without the part before `from` (bytes). */
export function logTail(file: string, { from = 0, lines = 12 }: { from?: number; lines?: number } = {}): string[] {
  if (!existsSync(file)) return []
  return readFileSync(file).subarray(from).toString().trimEnd().split('\n').slice(-lines)
}
