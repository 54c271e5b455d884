import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readGiven } from './env.js'
import { type KeyPlace, variablesFile, variablesFolder } from './key-place.js'
import { generateKeys, type RingName, ringNames } from './keys.js'
import { configExitCode, LaunchError } from './launch-error.js'
import { dataDir, readablePath } from './places.js'
import { describeRing, prune, type Ring, shortestWaitMs, turn } from './rings.js'

const usage = `usage: npm run keys -- list | rotate [RING …] | prune [RING …] | create
  create                  makes a file with every key and secret of a new installation
  --in <file or folder>   where the keys stand: a file of variables, or a folder with a file for each; else those of npm start
  --now                   rotate: do not wait; prune: take out every old key, whatever still lives of it
RING is one of ${ringNames.join(', ')}; all of them where none is named.`

const say = (line: string) => process.stdout.write(`${line}\n`)
const refuse = (sentence: string) => new LaunchError(sentence, { exitCode: configExitCode })

try {
  obey(process.argv.slice(2).filter((word, at) => at > 0 || word !== 'keys'))
} catch (error) {
  if (!(error instanceof LaunchError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}

function obey(words: string[]): void {
  const { values, positionals } = read(words)
  const [what, ...named] = positionals
  const strange = named.filter((name) => !isRing(name))
  if (strange.length > 0) throw refuse(`${strange.join(', ')} is no ring\n${usage}`)
  const names = named.length > 0 ? named.filter(isRing) : ringNames
  const at = new Date()
  if (what === 'create') return create(values.in)
  if (what !== 'list' && what !== 'rotate' && what !== 'prune') throw refuse(usage)
  const place = findPlace(values.in)
  const rings = names.flatMap((name) => place.read(name) ?? missing(place, name, named.length > 0))
  if (rings.length === 0) throw refuse(`${readablePath(place.path)} holds no key ring`)
  const now = values.now === true
  for (const ring of rings) {
    if (what === 'list') say([ring.name, ...describeRing(ring)].join('\n  '))
    if (what === 'rotate') rotate(place, ring, at, now)
    if (what === 'prune') takeOut(place, ring, at, now)
  }
  if (what === 'rotate') say('Now restart, one by one, every service that reads them.')
}

function read(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: { in: { type: 'string' }, now: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch {
    throw refuse(usage)
  }
}

function isRing(name: string): name is RingName {
  return ringNames.includes(name as RingName)
}

function missing({ path }: KeyPlace, name: RingName, asked: boolean): Ring[] {
  if (asked) throw refuse(`${readablePath(path)} does not hold ${name}`)
  return []
}

/** The keys of `npm start`, unless another place is named. What the environment or `.env` sets itself is not there. */
function findPlace(named: string | undefined): KeyPlace {
  if (named !== undefined) {
    const path = resolve(named)
    if (!existsSync(path)) throw refuse(`${named} does not exist`)
    return statSync(path).isDirectory() ? variablesFolder(path) : variablesFile(path)
  }
  const given = readGiven(resolve('.env'), process.env)
  const own = ringNames.filter((name) => name in given || `${name}_FILE` in given)
  if (own.length > 0) throw refuse(`${own.join(', ')}: set by .env or the environment; name the place with --in`)
  const path = join(dataDir(given['LATCHKEY_DATA_DIR']), 'keys.env')
  if (!existsSync(path)) throw refuse('there are no keys yet: npm start makes them, or name a place with --in')
  return variablesFile(path)
}

function rotate(place: KeyPlace, ring: Ring, at: Date, now: boolean): void {
  const turned = turn(ring, at, { now })
  if (turned.kind === 'too_early') {
    const minutes = shortestWaitMs / 60_000
    say(
      `${ring.name}: the new key is there since ${turned.since.toISOString()}; it signs after ${minutes} minutes, or with --now`,
    )
    return
  }
  place.write(turned.ring)
  say(
    turned.kind === 'added'
      ? `${ring.name}: ${turned.id} is there and verifies. Once every service has been restarted: rotate again, and it signs`
      : `${ring.name}: ${turned.id} signs from the next start on; the key before it still verifies`,
  )
}

function takeOut(place: KeyPlace, ring: Ring, at: Date, now: boolean): void {
  const { ring: pruned, removed } = prune(ring, at, { now })
  if (removed.length > 0) place.write(pruned)
  say(removed.length > 0 ? `${ring.name}: ${removed.join(', ')} taken out` : `${ring.name}: nothing to take out`)
}

/** Every key and secret of a new installation, as lines of variables; a file that is there is never touched. */
function create(file: string | undefined): void {
  if (file === undefined) throw refuse('name the file with --in')
  const lines = Object.entries(generateKeys()).map(([name, value]) => `${name}=${value}\n`)
  if (existsSync(file)) throw refuse(`${file} is there already`)
  writeFileSync(file, lines.join(''), { mode: 0o600, flag: 'wx' })
  say(`${file}: made, readable by you alone`)
}
