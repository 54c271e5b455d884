import { startTethered } from '../src/tether.js'

// A launcher on a machine without setpriv: starts a child, names it, and waits to be killed.
const child = await startTethered(
  { command: 'sleep', args: ['60'], env: { PATH: process.env['PATH'] ?? '' }, output: 'pipe', ifOrphaned: 'SIGTERM' },
  null,
)
process.stdout.write(`${child.pid}\n`)
