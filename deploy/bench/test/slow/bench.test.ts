import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from '@latchkey/local/places'
import t from 'tap'

/** The parts of a run that all others are made of, at a scale whose figures mean nothing. */
const wanted = ['sign-up', 'answer', 'log-in', 'token-check-jwks', 'carrier-down', 'drain']

t.test('the benchmark works: everybody is measured, and every row has its figures', async (t) => {
  const command = join(root, 'deploy/bench/dist/src/main.js')
  const run = promisify(execFile)(process.execPath, [command, '--smoke', '--only', wanted.join(',')])
  const { stdout } = await run.catch((error: { stdout: string; stderr: string }) => {
    t.fail('it ended badly', { printed: `${error.stdout}\n${error.stderr}`.slice(-3_000) })
    return error
  })
  for (const row of wanted) t.match(stdout, ` ${row} (`, row)
  t.match(stdout, "|  | Latchkey | documents' shape | better-auth, Redis |")
  t.notMatch(stdout, /failed \(/, 'no request fails')
  t.match(stdout, /one worker: CPU a job µs \| [\d.,]+ \|/)
})
