import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { planServices, readGiven, readPorts, type ServicePlan, unknownNames, type Variables } from './env.js'
import { keepKeys } from './keys.js'
import { configExitCode, LaunchError } from './launch-error.js'
import { lockDataDir } from './lock.js'
import { cacheDir, dataDir, readablePath, root } from './places.js'
import { isFree } from './ports.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import { startRedisEmulator } from './redis-emulator.js'
import { answering, type RunningService, startService, stopServices } from './services.js'
import type { Store } from './store.js'
import { welcome } from './welcome.js'

const say = (line: string) => process.stdout.write(`${line}\n`)
const stores: Store[] = []
const services: RunningService[] = []
let stopping = false

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (!stopping) say('· stopping…')
    void stop(0)
  })

try {
  await start()
} catch (error) {
  await giveUp(error)
}

async function start(): Promise<void> {
  const given = readGiven(resolve('.env'), process.env)
  for (const name of unknownNames(resolve('.env'), join(root, '.env.example')))
    say(`! .env sets ${name}, which nothing here reads: see .env.example`)
  const dir = dataDir(given['LATCHKEY_DATA_DIR'])
  const logDir = join(dir, 'logs')
  mkdirSync(logDir, { recursive: true, mode: 0o700 })
  lockDataDir(dir)
  await checkPorts(readPorts(given))

  say('· starting PostgreSQL and Redis…')
  const { postgres, redis } = await startStores(given, dir, logDir)
  say(`  ${postgres.what}\n  ${redis.what}`)

  const keys = keepKeys(dir)
  const plans = planServices({ given, keys, databaseUrl: postgres.url, redisUrl: redis.url })
  say(`· starting ${plans.map(({ name }) => name).join(', ')}…`)
  await bringUpAll(plans, logDir)
  if (stopping) return
  watchStores(readablePath(logDir))
  say(
    welcome({
      given,
      gatewayPort: plans.find(({ name }) => name === 'auth-gateway')?.port ?? 0,
      boardPort: plans.find(({ name }) => name === 'sms-worker')?.opsPort ?? 0,
      boardPassword: keys.BOARD_PASSWORD,
      logDir: readablePath(logDir),
    }),
  )
}

/** A port of a launcher that was killed a moment ago is given the moment it needs. */
async function checkPorts(ports: Record<string, number>): Promise<void> {
  const taken = async () => {
    const free = await Promise.all(Object.values(ports).map(isFree))
    return Object.entries(ports).filter((_, at) => free[at] === false)
  }
  let found = await taken()
  for (let turn = 0; turn < 10 && found.length > 0; turn++) {
    await sleep(100)
    found = await taken()
  }
  if (found.length === 0) return
  const list = found.map(([name, port]) => `port ${port} (${name})`).join(', ')
  throw new LaunchError(
    `${list} ${found.length === 1 ? 'is' : 'are'} in use by another program: stop it, or name another port`,
  )
}

async function startStores(given: Variables, dir: string, logDir: string): Promise<{ postgres: Store; redis: Store }> {
  const keep = (store: Store) => {
    stores.push(store)
    return store
  }
  const options = { dir: join(dir, 'redis'), logFile: join(logDir, 'redis.log'), cache: cacheDir(dir) }
  const [postgres, redis] = await Promise.all([
    startPostgres({
      url: given['DATABASE_URL'],
      dir: join(dir, 'postgres'),
      logFile: join(logDir, 'postgres.log'),
    }).then(keep),
    startRedis({ url: given['REDIS_URL'], ...options }).then(async (store) =>
      keep(store ?? (await startRedisEmulator())),
    ),
  ])
  return { postgres, redis }
}

/** Services read their configuration before anything else: what all of them refuse is told at once. */
async function bringUpAll(plans: readonly ServicePlan[], logDir: string): Promise<void> {
  const refused: LaunchError[] = []
  const starts = plans.map((plan) =>
    bringUp(plan, logDir).catch((error: unknown) => {
      if (error instanceof LaunchError && error.exitCode === configExitCode) refused.push(error)
      throw error
    }),
  )
  await Promise.all(starts).catch(async (error: unknown) => {
    if (refused.length === 0) throw error
    await Promise.all(plans.map(async (plan, n) => Promise.race([starts[n]?.catch(() => undefined), answering(plan)])))
    if (refused.length === 1) throw error
    throw new LaunchError(refused.map(({ message }) => message).join('\n'), { exitCode: configExitCode })
  })
}

async function bringUp(plan: ServicePlan, logDir: string): Promise<void> {
  const service = await startService(plan, logDir)
  services.push(service)
  void service.ended.then((exit) => giveUp(service.explain(exit)))
}

function watchStores(logs: string): void {
  for (const { what, ended } of stores)
    void ended?.then((exit) => giveUp(new LaunchError(`${what} ended (${exit}); its log is in ${logs}`)))
}

async function giveUp(error: unknown): Promise<void> {
  if (stopping) return
  if (!(error instanceof LaunchError)) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return stop(1)
  }
  process.stderr.write(`${[error.message, ...error.details].join('\n')}\n`)
  await stop(error.exitCode)
}

/** Whatever is not in the lists yet, because it is just starting, goes with this process. */
async function stop(exitCode: number): Promise<void> {
  if (stopping) return
  stopping = true
  await stopServices(services)
  await Promise.all(stores.map((store) => store.stop()))
  process.exit(exitCode)
}
