import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { ServiceName, ServicePlan } from './env.js'
import { configExitCode, LaunchError } from './launch-error.js'
import { logTail } from './log-tail.js'
import { root } from './places.js'
import { startTethered, type Tethered } from './tether.js'

export interface RunningService extends Tethered {
  readonly name: ServiceName
  readonly port: number
  readonly opsPort: number
  readonly logFile: string
  /** One sentence, and what its log says, about an end nobody asked for. */
  explain(exit: number | string): LaunchError
}

const longestLogBytes = 10 * 1024 * 1024
const readyWithinMs = 60_000
const answerWithinMs = 15_000

/** Starts a service as production does and waits until it can do its work; its log goes to a file of its name. */
export async function startService(plan: ServicePlan, logDir: string): Promise<RunningService> {
  const service = await spawnService(plan, logDir)
  const ended = service.ended.then((exit) => {
    throw service.explain(exit)
  })
  try {
    await Promise.race([ready(plan), ended])
  } catch (error) {
    await service.stop('SIGTERM', 3_000)
    throw error
  }
  return service
}

/** Stops what is there in the order in which requests flow, so that what is in flight can still be answered. */
export async function stopServices(services: readonly RunningService[]): Promise<void> {
  const [front, back] = [services.filter(isFront), services.filter((service) => !isFront(service))]
  await Promise.all(front.map((service) => service.stop('SIGTERM', 3_500)))
  await Promise.all(back.map((service) => service.stop('SIGTERM', 3_000)))
}

const isFront = ({ name }: RunningService) => name === 'auth-gateway'

/** Starts a service without waiting for anything. */
export async function spawnService(plan: ServicePlan, logDir: string): Promise<RunningService> {
  const { name, port, opsPort, env, checkout = root } = plan
  mkdirSync(logDir, { recursive: true })
  const logFile = join(logDir, `${name}.log`)
  if ((statSync(logFile, { throwIfNoEntry: false })?.size ?? 0) > longestLogBytes) renameSync(logFile, `${logFile}.1`)
  const output = openSync(logFile, 'a')
  const from = statSync(logFile).size
  const process_ = await startTethered({
    command: process.execPath,
    args: ['--enable-source-maps', join(checkout, 'services', name, 'dist/bundle/main.js')],
    env,
    cwd: root,
    output,
    // Its stores go at the same moment: there is nothing left that it could finish.
    ifOrphaned: 'SIGKILL',
  })
  closeSync(output)
  return { ...process_, name, port, opsPort, logFile, explain: (exit) => explain(name, exit, logFile, from) }
}

function explain(name: ServiceName, exit: number | string, logFile: string, from: number): LaunchError {
  const said = logTail(logFile, { from, lines: 200 }).flatMap(readable).slice(-12)
  if (exit === configExitCode) return new LaunchError(`${name}: ${said.join('\n')}`, { exitCode: configExitCode })
  const how = typeof exit === 'number' ? `with exit code ${exit}` : `by ${exit}`
  return new LaunchError(`${name} ended ${how}; its log is ${logFile}`, { details: said.map((line) => `  ${line}`) })
}

/** What a person needs of a log line: a warning or worse without its JSON, and whatever is no JSON at all. */
function readable(line: string): string[] {
  if (!line.startsWith('{')) return line.trim() === '' ? [] : [line]
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string } }
    if (level === undefined || level < 40) return []
    return [err?.message ?? msg ?? line]
  } catch {
    return [line]
  }
}

async function ready({ name, opsPort }: ServicePlan): Promise<void> {
  const end = Date.now() + readyWithinMs
  let last = 'it does not answer'
  while (Date.now() < end) {
    const answer = await ask(`http://127.0.0.1:${opsPort}/ready`)
    if (answer?.status === 200) return
    last = answer?.text ?? last
    await sleep(30)
  }
  throw new LaunchError(`${name} was not ready within ${readyWithinMs / 1_000} s: ${last}`)
}

/** Resolves once a service answers at all, whatever it says of itself; or when it has had the time to. */
export async function answering({ opsPort }: ServicePlan): Promise<void> {
  const end = Date.now() + answerWithinMs
  while (Date.now() < end && (await ask(`http://127.0.0.1:${opsPort}/live`)) === undefined) await sleep(30)
}

async function ask(url: string): Promise<{ status: number; text: string } | undefined> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2_000, bodyTimeout: 2_000, reset: true })
    return { status: statusCode, text: await body.text() }
  } catch {
    return undefined
  }
}

/** Everything the services have logged. */
export const readLogs = (services: readonly RunningService[]): string =>
  services.map(({ logFile }) => readFileSync(logFile, 'utf8')).join('')
