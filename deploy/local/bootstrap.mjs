// `npm start`, `npm run cluster`, `npm run keys`, `npm run bench`, the commands of operators (`npm run admin`, …), `npm test` and `npm run test:slow` begin here, where nothing is installed yet: plain Node, no dependencies. It makes the
// checkout runnable (dependencies, build), then becomes the launcher or the test runner in this same process, so that
// there is nobody in between to forward signals and exit codes, or to be left behind.
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const [what, ...args] = process.argv.slice(2)
const isTest = ['test', 'test:slow', 'test:timing'].includes(what)
/** Commands that ask what runs, one file each: what they print may be read by a program. */
const operators = ['admin', 'person', 'trace', 'queue', 'switch']
const isOperator = operators.includes(what)
const entry = isTest
  ? './dist/src/test-run.js'
  : isOperator
    ? `./dist/src/operator/${what}.js`
    : {
        start: './dist/src/start.js',
        cluster: './dist/src/cluster/command.js',
        keys: './dist/src/keys-command.js',
        bench: '../bench/dist/src/main.js',
      }[what]

const say = (line) => (isOperator ? process.stderr : process.stdout).write(`${line}\n`)
/** A reader that went away (`npm start | head`) is no reason to fall over. */
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

let preparing
let asked = false
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupt)

function interrupt() {
  asked = true
  preparing?.kill(preparing.endsBy)
}

function stop(sentence, output = '') {
  if (asked) process.exit(['start', 'cluster'].includes(what) ? 0 : 1)
  if (output !== '') say(output.trimEnd().split('\n').slice(-40).join('\n'))
  process.stderr.write(`${sentence}\n`)
  if (isTest) say('0 passed, 1 failed')
  process.exit(1)
}

/** npm gone (SIGKILL) means nobody asks for us any more; the kernel would not say. */
function leaveWithNpm() {
  if (process.env.npm_lifecycle_event === undefined) return
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && process.kill(process.pid, 'SIGTERM'), 500).unref()
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 20 || (major === 20 && minor < 19))
    stop(`Latchkey needs Node 20.19 or newer; this is ${process.version}. See https://nodejs.org`)
}

/** Whether node_modules is what package-lock.json says, by npm's own record of it, which it writes last. */
function isInstalled() {
  const record = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(record)) return false
  const { packages: found } = JSON.parse(readFileSync(record, 'utf8'))
  const { packages: wanted } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  return Object.entries(wanted).every(([path, { version, link, optional, devOptional }]) => {
    if (!path.includes('node_modules/')) return true
    if (link) return existsSync(join(root, path))
    return found[path] === undefined ? optional || devOptional : found[path].version === version
  })
}

async function install() {
  if (isInstalled()) return
  const npm = process.env.npm_execpath
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  // Development packages and optional ones (they hold the PostgreSQL binaries) whatever the user's npm settings say; no
  // package of ours needs an install script.
  const flags =
    '--ignore-scripts --include=dev --include=optional --prefer-offline --no-audit --no-fund --loglevel=error'
  const { ok, output } = await step('installing dependencies (first time: about a minute)', {
    command,
    commandArgs: [...first, 'ci', ...flags.split(' ')],
    // npm does not leave on SIGTERM while it installs; half an installation is seen and made anew by the next start.
    endsBy: 'SIGKILL',
  })
  if (!ok) stop('`npm ci` failed: check the network and `npm config get registry`, then try again.', output)
}

async function build() {
  // The program itself, not its Node wrapper, which would not pass a signal on.
  const platform = `${process.platform}-${process.arch === 'x64' ? '64' : process.arch}`
  const { ok, output } = await step('building', {
    command: join(root, 'node_modules/@turbo', platform, 'bin/turbo'),
    commandArgs: ['run', 'build', '--output-logs=errors-only'],
    endsBy: 'SIGTERM',
  })
  if (!ok) stop('The build failed.', output)
}

/** Runs a program out of sight, says what is going on while it takes its time, and gives back what it printed. */
function step(name, { command, commandArgs, endsBy }) {
  if (asked) stop('')
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1_000)
  const [program, programArgs] = tied(command, commandArgs, endsBy)
  say(`· ${name}…`)
  preparing = spawn(program, programArgs, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  preparing.endsBy = endsBy
  let output = ''
  for (const stream of [preparing.stdout, preparing.stderr]) stream.on('data', (chunk) => (output += chunk))
  const alive = setInterval(() => say(`  still ${name.split(' ')[0]} (${seconds()} s)`), 15_000)
  return new Promise((resolve) => {
    const end = (ok) => {
      clearInterval(alive)
      preparing = undefined
      if (asked) stop('')
      resolve({ ok, output })
    }
    preparing.once('error', (error) => {
      output += error.message
      end(false)
    })
    preparing.once('close', (code) => end(code === 0))
  })
}

/** Dies with this process where the kernel can see to it (see src/tether.ts). */
function tied(command, commandArgs, endsBy) {
  const setpriv = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'setpriv'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
  return process.platform === 'linux' && setpriv !== undefined
    ? [setpriv, ['--pdeathsig', endsBy.slice(3), '--', command, ...commandArgs]]
    : [command, commandArgs]
}

if (entry === undefined)
  stop(
    'usage: node deploy/local/bootstrap.mjs start | keys … | bench … | admin … | trace … | queue … | switch … | test [files] | test:slow [files] | test:timing [files]',
  )
checkNode()
process.chdir(root)
leaveWithNpm()
await install()
await build()
process.setSourceMapsEnabled(true)
for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, interrupt)
process.argv = [process.argv[0], process.argv[1], what, ...args]
await import(entry)
