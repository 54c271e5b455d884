import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { serviceNames, type Variables, visibleTo } from './env.js'
import { generateKeys } from './keys.js'

// Of images of ours, in which the user `node` has this number.
const node = 1_000

/**
 * Makes every secret of a new installation in containers, once, and writes for each service those it may read: a file a variable, in a
 * folder of its own.
 */
function handOut(folder: string): void {
  mkdirSync(join(folder, 'all'), { recursive: true })
  const file = join(folder, 'all/keys.env')
  if (!existsSync(file)) {
    const made = { ...generateKeys(), POSTGRES_PASSWORD: randomBytes(24).toString('hex') }
    const lines = Object.entries(made).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(file, lines.join(''), { mode: 0o600, flag: 'wx' })
  }
  const { POSTGRES_PASSWORD = '', ...keys } = parseEnv(readFileSync(file, 'utf8')) as Variables
  write(join(folder, 'postgres'), { POSTGRES_PASSWORD })
  const secrets = { ...keys, DATABASE_URL: `postgres://latchkey:${POSTGRES_PASSWORD}@postgres:5432/latchkey` }
  for (const name of serviceNames) write(join(folder, name), visibleTo(name, secrets))
}

function write(folder: string, secrets: Variables): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, value] of Object.entries(secrets)) {
    const file = join(folder, name)
    rmSync(file, { force: true })
    writeFileSync(file, value, { mode: 0o600 })
    chmodSync(file, 0o400)
    if (process.getuid?.() === 0) chownSync(file, node, node)
  }
}

const [, , folder = '/keys'] = process.argv
handOut(folder)
