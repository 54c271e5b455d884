import { createInterface } from 'node:readline'

// Where the kernel cannot tie children to the launcher: reads `+pid SIGNAL` and `-pid` lines, and when the launcher is gone
// (its end of the pipe closes) ends whatever is still on the list, gently, then surely.

const owed = new Map<number, NodeJS.Signals>()

for await (const line of createInterface({ input: process.stdin })) {
  const [pid = '', signal] = line.slice(1).split(' ')
  if (line.startsWith('+')) owed.set(Number(pid), signal as NodeJS.Signals)
  else owed.delete(Number(pid))
}

for (const [pid, signal] of owed) end(pid, signal)
if (owed.size > 0) setTimeout(() => [...owed.keys()].forEach((pid) => end(pid, 'SIGKILL')), 3_000)

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    owed.delete(pid)
  }
}
