import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { portVariables } from '../../src/env.js'
import { pickPort } from '../../src/ports.js'
import { describeProcess } from '../../src/process-table.js'
import { startTethered, type Tethered } from '../../src/tether.js'

const program = (file: string) => fileURLToPath(new URL(file, import.meta.url))

interface Launcher extends Tethered {
  output(): string
  /** The URL of its last line. */
  ready(): Promise<string>
}

interface Place {
  readonly dir: string
  readonly env: Record<string, string>
}

/** A data folder and ports of its own. */
async function place(t: Test): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-launcher-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    LATCHKEY_DATA_DIR: dir,
  }
  for (const variables of Object.values(portVariables))
    for (const name of Object.keys(variables)) env[name] = String(await pickPort())
  return { dir, env }
}

/** What `npm start` runs once the checkout is built; in a folder with no `.env`. */
async function launch(t: Test, { dir, env }: Place, more: Record<string, string> = {}): Promise<Launcher> {
  const launcher = await startTethered({
    command: process.execPath,
    args: [program('../../src/start.js')],
    env: { ...env, ...more },
    cwd: dir,
    output: 'pipe',
    ifOrphaned: 'SIGKILL',
  })
  t.teardown(() => launcher.stop('SIGTERM', 20_000))
  let printed = ''
  for (const stream of [launcher.stdout, launcher.stderr])
    stream?.on('data', (chunk: Buffer) => (printed += String(chunk)))
  const ready = () => eventually('ready', async () => /^ready (\S+)$/m.exec(printed)?.[1], 60_000)
  return { ...launcher, output: () => printed, ready }
}

/** A process and all that came of it, each with what tells it from a later one of the same number. */
function familyOf(pid: number): Map<number, string> {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const)
  const family = new Set([pid])
  // A parent may have a higher number than its child: look until nobody is added.
  for (let size = 0; size < family.size; ) {
    size = family.size
    for (const [child, parent] of parents) if (family.has(parent)) family.add(child)
  }
  return new Map([...family].map((member) => [member, describeProcess(member) ?? '']))
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2])
  } catch {
    return 0
  }
}

const gone = (family: Map<number, string>) =>
  eventually(
    'every process to be gone',
    async () => [...family].every(([pid, description]) => describeProcess(pid) !== description),
    15_000,
  )
const linuxOnly = process.platform === 'linux' ? {} : { skip: 'looks into /proc' }

t.test('from start to stop', linuxOnly, async (whole) => {
  const here = await place(whole)
  const launcher = await launch(whole, here)
  let next = launcher

  await whole.test('it says what it runs on, and last that it is ready', async (t) => {
    t.equal(await launcher.ready(), `http://localhost:${here.env['GATEWAY_PORT']}`)
    t.match(launcher.output(), /PostgreSQL \d+/)
    t.match(launcher.output(), /(redis|valkey)/)
    t.match(launcher.output(), /\nready \S+\n$/)
  })

  await whole.test('a second one on the same data folder is refused', async (t) => {
    const second = await launch(t, await place(t), { LATCHKEY_DATA_DIR: here.dir })
    t.equal(await second.ended, 1)
    t.match(second.output(), 'is already running')
  })

  await whole.test('SIGTERM stops everything within ten seconds, with exit code 0', async (t) => {
    const family = familyOf(launcher.pid)
    for (const part of [/postgres/, /(redis|valkey)-server/, /users/, /sms-worker/, /auth-gateway/])
      t.match([...family.values()].join('\n'), part)
    const began = Date.now()
    await launcher.stop('SIGTERM', 15_000)
    t.equal(await launcher.ended, 0)
    t.ok(Date.now() - began < 10_000)
    await gone(family)
  })

  await whole.test(
    'SIGKILL of the launcher leaves no process behind, and the next start is none the worse',
    async (t) => {
      const keys = readFileSync(join(here.dir, 'keys.env'), 'utf8')
      const killed = await launch(t, here)
      await killed.ready()
      const family = familyOf(killed.pid)
      await killed.stop('SIGKILL', 0)
      next = await launch(whole, here)
      t.match(await next.ready(), /^http/)
      t.equal(readFileSync(join(here.dir, 'keys.env'), 'utf8'), keys)
      await gone(family)
    },
  )

  await whole.test('a service that dies later takes everything down, and is named', async (t) => {
    const family = familyOf(next.pid)
    const worker = [...family].find(([, description]) => description.includes('sms-worker'))
    process.kill(Number(worker?.[0]), 'SIGKILL')
    t.equal(await next.ended, 1)
    t.match(next.output(), 'sms-worker ended by SIGKILL; its log is ')
    await gone(family)
  })
})

t.test('a taken port is one clear sentence and no start', async (t) => {
  const here = await place(t)
  const server = createServer().listen(Number(here.env['USERS_PORT']), '127.0.0.1')
  t.teardown(() => server.close())
  const launcher = await launch(t, here)
  t.equal(await launcher.ended, 1)
  t.equal(
    launcher.output().trim(),
    `port ${here.env['USERS_PORT']} (USERS_PORT) is in use by another program: stop it, or name another port`,
  )
})

t.test(
  'what services refuse of their configuration is shown in their words, all at once, with exit code 78',
  async (t) => {
    const launcher = await launch(t, await place(t), { CODE_ATTEMPTS: '99', BRAND_NAME: '€' })
    t.equal(await launcher.ended, 78)
    t.match(launcher.output(), /CODE_ATTEMPTS must be <= 10/)
    t.match(launcher.output(), /BRAND_NAME is not written as it must be: /)
  },
)

t.test('where the kernel ties no child to its parent, the watchdog does', linuxOnly, async (t) => {
  const host = await startTethered({
    command: process.execPath,
    args: [program('../tether-host.js')],
    env: { PATH: process.env['PATH'] ?? '' },
    output: 'pipe',
    ifOrphaned: 'SIGKILL',
  })
  const [said] = (await once(host.stdout as Readable, 'data')) as [Buffer]
  const child = said.toString().trim()
  t.ok(readdirSync('/proc').includes(child))
  await host.stop('SIGKILL', 0)
  await eventually('the child to be gone', async () => !readdirSync('/proc').includes(child), 15_000)
})
