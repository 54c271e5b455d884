import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import t from 'tap'

const hasSessions = existsSync('/proc/self/autogroup') && process.getuid?.() === 0

t.test(
  'what gives way does so with all that it starts, for each of them is in a session of its own',
  {
    skip: hasSessions
      ? false
      : 'the kernel shares the machine out among processes, or lets nobody but root do this often',
  },
  (t) => {
    const module = (name: string) => JSON.stringify(new URL(`../src/${name}.js`, import.meta.url).href)
    const program = `
      import { giveWay } from ${module('niceness')}
      import { startTethered } from ${module('tether')}
      giveWay(process.pid, 7)
      const options = { args: ['0.2'], env: process.env, output: 'pipe', ifOrphaned: 'SIGKILL' }
      const { pid, ended } = await startTethered({ command: 'sleep', ...options })
      for (const who of ['self', pid]) process.stdout.write(readFileSync('/proc/' + who + '/autogroup', 'utf8'))
      await ended`
    const told = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', `import { readFileSync } from 'node:fs'\n${program}`],
      { encoding: 'utf8' },
    )
    const groups = [...told.matchAll(/^\/(\S+) nice (\d+)$/gm)].map(([, group, nice]) => ({ group, nice }))
    t.same(
      groups.map(({ nice }) => nice),
      ['7', '7'],
    )
    t.equal(new Set(groups.map(({ group }) => group)).size, 2, 'they are two sessions')
    t.end()
  },
)
