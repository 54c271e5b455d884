import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readGiven } from '../env.js'
import { generateKeys } from '../keys.js'
import { LaunchError } from '../launch-error.js'
import { lockDataDir } from '../lock.js'
import { cacheDir, dataDir, readablePath } from '../places.js'
import { isFree } from '../ports.js'
import { type Picture, startPicture } from './picture.js'

const defaultPort = 3000
const say = (line: string) => process.stdout.write(`${line}\n`)
let picture: Picture | undefined
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(0))

try {
  await start()
} catch (error) {
  if (!stopping) {
    const told = error instanceof LaunchError ? [error.message, ...error.details] : [String(error)]
    process.stderr.write(`${told.join('\n')}\n`)
    await stop(1)
  }
}

async function start(): Promise<void> {
  const given = readGiven(resolve('.env'), process.env)
  const port = Number(given['GATEWAY_PORT'] ?? defaultPort)
  if (!(await isFree(port))) throw new LaunchError(`port ${port} (GATEWAY_PORT) is in use by another program`)
  const all = dataDir(given['LATCHKEY_DATA_DIR'])
  const dir = join(all, 'cluster')
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  lockDataDir(dir)
  for (const kept of ['data', 'logs']) rmSync(join(dir, kept), { recursive: true, force: true })
  const logDir = join(dir, 'logs')
  const started = await startPicture({
    dir: join(dir, 'data'),
    logDir,
    cache: cacheDir(all),
    keys: generateKeys(),
    mode: 'development',
    port,
    say,
  })
  picture = started
  if (stopping) return
  say(`\n  ${'process'.padEnd(16)}port   pid`)
  for (const { name, port: own, pid } of started.members) say(`  ${name.padEnd(16)}${own}  ${pid()}`)
  say(`\n  Kill any of them, and sign up meanwhile. Logs are in ${readablePath(logDir)}; nothing is kept.`)
  say(`ready http://localhost:${port}`)
}

async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  say('· stopping…')
  await picture?.stop()
  process.exit(exitCode)
}
