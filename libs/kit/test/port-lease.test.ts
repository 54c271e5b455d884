import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import t from 'tap'
import { leasePort } from '../src/port-lease.js'

t.test('a port is leased to one process at a time, and to the next once that has ended, however it did', async (t) => {
  const port = randomInt(40_000, 60_000)
  const module = new URL('../src/port-lease.js', import.meta.url).href
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    const other = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { leasePort } from '${module}'; console.log(leasePort(${port})); setInterval(() => {}, 1_000); process.on('SIGTERM', () => process.exit())`,
    ])
    t.teardown(() => other.kill('SIGKILL'))
    const [said] = (await once(other.stdout, 'data')) as [Buffer]
    t.equal(String(said).trim(), 'true')
    t.equal(leasePort(port), false, 'not to two')
    other.kill(signal)
    await once(other, 'exit')
  }
  t.equal(leasePort(port), true)
  t.equal(leasePort(port), false, 'nor to one twice')
})
