import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs, parseEnv } from 'node:util'
import { request } from 'undici'
import { portVariables, readGiven, type Variables } from '../env.js'
import { configExitCode, LaunchError } from '../launch-error.js'
import { dataDir } from '../places.js'
import { misspelt, print, runCommand } from './command.js'
import { table } from './table.js'
import { systemUser } from './users-api.js'

const usage = `usage: npm run queue -- list | retry <id> … | drop <id> …
  list            dead letters of both queues: what nobody handles any more
  retry           has another go where there is one: a code that still lives and was surely not sent, any event for the delivery log
  drop            puts them away, with an end in the delivery log
  --why <reason>  kept in the audit
  --all           instead of ids: every one for which it is possible
  --json          for machines
  --url <url>     ops port of a worker; else WORKER_OPS_PORT on this machine
The password is that of the worker's dashboard, BOARD_PASSWORD: of the environment, of .env, or of npm start.`

interface Letter {
  readonly queue: string
  readonly id: string
  readonly about: string
  readonly failedAt: string
  readonly starts: number
  readonly why: string
  readonly noRetry?: string
  readonly noDrop?: string
}

interface Outcome {
  readonly id: string
  readonly done: boolean
  readonly said: string
}

const meanings: Readonly<Record<number, string>> = {
  400: 'a reason has 1 to 300 characters',
  401: 'its BOARD_USER or BOARD_PASSWORD is another one',
  404: 'it has no dashboard; set BOARD_PASSWORD there',
  429: 'too many wrong passwords; try again in five minutes',
  500: 'its Redis is away, or its log says more',
}

await runCommand('queue', async (words) => {
  const { values, positionals } = read(words)
  const [what, ...ids] = positionals
  if (what !== 'list' && what !== 'retry' && what !== 'drop') throw misspelt(usage)
  if (what !== 'list' && ids.length > 0 === (values.all === true)) throw misspelt(`name ids, or --all\n${usage}`)
  const ask = connect(values.url)
  const json = values.json === true
  const { letters } = (await ask('GET', '/dead-letters')) as { letters: Letter[] }
  if (what === 'list') return print(page(letters), { json, data: letters })

  const wanted = letters.filter(({ id, noRetry, noDrop }) =>
    values.all === true ? (what === 'retry' ? noRetry : noDrop) === undefined : ids.includes(id),
  )
  const outcomes: Outcome[] = ids
    .filter((id) => !letters.some((letter) => letter.id === id))
    .map((id) => ({ id, done: false, said: 'there is no such dead letter' }))
  const wish = { operator: systemUser(), ...(values.why !== undefined && { why: values.why }) }
  for (const { queue, id } of wanted) {
    const said = await ask('POST', `/dead-letters/${queue}/${encodeURIComponent(id)}/${what}`, wish)
    outcomes.push({ id, ...(said as Omit<Outcome, 'id'>) })
  }
  const lines = outcomes.map(({ id, done, said }) => `${done ? '✓' : '✗'} ${id}: ${said}`)
  print(lines.length > 0 ? lines : ['Nothing to do.'], { json, data: outcomes })
  if (outcomes.some(({ done }) => !done)) process.exitCode = 1
})

function read(words: string[]) {
  try {
    return parseArgs({
      args: words,
      options: {
        all: { type: 'boolean' },
        json: { type: 'boolean' },
        url: { type: 'string' },
        why: { type: 'string' },
      },
      allowPositionals: true,
    })
  } catch {
    throw misspelt(usage)
  }
}

function page(letters: readonly Letter[]): string[] {
  if (letters.length === 0) return ['No dead letters.']
  const rows = letters.map((letter) => [
    letter.queue,
    letter.failedAt.slice(0, 19).replace('T', ' '),
    letter.about,
    letter.why,
    letter.noRetry === undefined ? 'retry' : `no retry: ${letter.noRetry}`,
    letter.id,
  ])
  return table(['queue', 'dead since (UTC)', 'about', 'why', 'what can be done', 'id'], rows)
}

/** Calls to the ops port of a worker, as who knows the password of its dashboard. */
function connect(named: string | undefined): (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown> {
  const given = readGiven(resolve('.env'), process.env)
  const port = given['WORKER_OPS_PORT'] ?? String(portVariables['sms-worker'].WORKER_OPS_PORT)
  const url = (named ?? `http://127.0.0.1:${port}`).replace(/\/$/, '')
  const user = given['BOARD_USER'] ?? 'board'
  const credentials = Buffer.from(`${user}:${passwordOf(given)}`).toString('base64')
  return async (method, path, wish) => {
    const { statusCode, body } = await request(`${url}${path}`, {
      method,
      headers: {
        authorization: `Basic ${credentials}`,
        ...(wish !== undefined && { 'content-type': 'application/json' }),
      },
      ...(wish !== undefined && { body: JSON.stringify(wish) }),
    }).catch(() => {
      throw new LaunchError(`no worker answers at ${url}: start it, or name its ops port with --url`)
    })
    const text = await body.text()
    if (statusCode === 200) return JSON.parse(text) as unknown
    throw new LaunchError(`${url} refuses (${statusCode}): ${meanings[statusCode] ?? 'its log says why'}`)
  }
}

function passwordOf(given: Variables): string {
  const { BOARD_PASSWORD: own, BOARD_PASSWORD_FILE: file } = given
  const kept = join(dataDir(given['LATCHKEY_DATA_DIR']), 'keys.env')
  const found =
    own ??
    (file !== undefined ? readFileSync(file, 'utf8').trim() : undefined) ??
    (existsSync(kept) ? parseEnv(readFileSync(kept, 'utf8'))['BOARD_PASSWORD'] : undefined)
  if (found !== undefined) return found
  throw new LaunchError('BOARD_PASSWORD is missing: set it as the worker has it', { exitCode: configExitCode })
}
