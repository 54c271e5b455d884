import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { type ServiceName, type ServicePlan, type Variables, planServices, portVariables, serviceNames } from './env.js'
import { generateKeys } from './keys.js'
import { root } from './places.js'
import { pickPort } from './ports.js'
import { query } from './postgres.js'
import { readLogs, type RunningService, spawnService, startService, stopServices } from './services.js'
import { withPath } from './store.js'

interface StackOptions {
  /** Any database of the server, and any database number of the Redis: the stack takes ones of its own. */
  readonly databaseUrl: string
  readonly redisUrl: string
  /** The stores are for this stack alone: it takes the named databases as they are, and leaves them as they end up. */
  readonly ownStores?: boolean
  readonly mode?: 'development' | 'production'
  /** Wins over the defaults; the stores stay the stack's own. */
  readonly env?: Variables
}

/** The three services as processes of their own, for tests that only speak HTTP to them. */
export interface Stack {
  readonly gatewayUrl: string
  readonly workerUrl: string
  readonly usersUrl: string
  readonly opsUrls: Readonly<Record<ServiceName, string>>
  readonly databaseUrl: string
  readonly redisUrl: string
  /** The running process of each service; a service that was started again is a new one. */
  readonly processes: Record<ServiceName, RunningService>
  /** Starts a service that has ended, on the same ports, stores and keys. */
  restart(name: ServiceName, env?: Variables, checkout?: string): Promise<void>
  /** The same, without waiting until it can work. */
  launch(name: ServiceName, env?: Variables): Promise<RunningService>
  /** One more of a service, on ports of its own. */
  another(name: ServiceName, env?: Variables, checkout?: string): Promise<RunningService>
  /** Everything all services have logged, JSON lines. */
  logs(): string
  stop(): Promise<void>
}

/** Brings up the services on a database, a Redis database and ports of their own, with fresh keys, and waits until all can work. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { env = {}, mode = 'development' } = options
  const stores =
    options.ownStores === true ? { ...options, giveBack: async () => undefined } : await takeStores(options)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-stack-'))
  const ports = await ownPorts()
  // Carriers of a test are processes on this machine.
  const publicWorker = `http://127.0.0.1:${ports['WORKER_PORT']}`
  const plans = planServices({
    given: { ...ports, PUBLIC_WORKER_URL: publicWorker, ...env },
    keys: generateKeys(),
    databaseUrl: stores.databaseUrl,
    redisUrl: stores.redisUrl,
    mode,
  })
  const planOf = (name: ServiceName) => plans.find((plan) => plan.name === name) as ServicePlan
  const url = (port: number) => `http://127.0.0.1:${port}`
  const running = new Map<ServiceName, RunningService>()
  const others: RunningService[] = []

  async function stop(): Promise<void> {
    await stopServices([...running.values(), ...others])
    rmSync(folder, { recursive: true, force: true })
    await stores.giveBack()
  }
  try {
    const starts = await Promise.allSettled(
      plans.map(async (plan) => running.set(plan.name, await startService(plan, folder))),
    )
    for (const start of starts) if (start.status === 'rejected') throw start.reason
  } catch (error) {
    await stop()
    throw error
  }
  const processes = Object.fromEntries(running) as Record<ServiceName, RunningService>
  const keep = (name: ServiceName, service: RunningService) => {
    processes[name] = service
    running.set(name, service)
    return service
  }
  return {
    gatewayUrl: url(planOf('auth-gateway').port),
    workerUrl: url(planOf('sms-worker').port),
    usersUrl: url(planOf('users').port),
    opsUrls: Object.fromEntries(plans.map(({ name, opsPort }) => [name, url(opsPort)])) as Record<ServiceName, string>,
    databaseUrl: stores.databaseUrl,
    redisUrl: stores.redisUrl,
    processes,
    restart: async (name, more = {}, checkout = root) =>
      void keep(name, await startService({ ...changed(planOf(name), more), checkout }, folder)),
    launch: async (name, more = {}) => keep(name, await spawnService(changed(planOf(name), more), folder)),
    another: async (name, more = {}, checkout = root) => {
      const plan = await elsewhere(changed(planOf(name), more))
      const service = await startService({ ...plan, checkout }, join(folder, `${others.length}`))
      others.push(service)
      return service
    },
    logs: () => readLogs([...running.values(), ...others]),
    stop,
  }
}

const changed = (plan: ServicePlan, env: Variables): ServicePlan => ({ ...plan, env: { ...plan.env, ...env } })

async function elsewhere(plan: ServicePlan): Promise<ServicePlan> {
  const [port, opsPort] = [await pickPort(), await pickPort()]
  const [portName = '', opsName = ''] = Object.keys(portVariables[plan.name])
  return { ...changed(plan, { [portName]: `${port}`, [opsName]: `${opsPort}` }), port, opsPort }
}

async function takeStores({ databaseUrl, redisUrl }: Pick<StackOptions, 'databaseUrl' | 'redisUrl'>) {
  // Named after the given one, whose owner finds it so, should nobody live to drop it.
  const database = `${new URL(databaseUrl).pathname.slice(1)}_${randomBytes(6).toString('hex')}`
  const [ownRedis] = await Promise.all([takeRedisDatabase(redisUrl), query(databaseUrl, `create database ${database}`)])
  return {
    databaseUrl: withPath(databaseUrl, database),
    redisUrl: ownRedis,
    giveBack: async () => {
      await Promise.all([clearRedis(ownRedis), query(databaseUrl, `drop database ${database} with (force)`)])
    },
  }
}

async function ownPorts(): Promise<Variables> {
  const names = serviceNames.flatMap((name) => Object.keys(portVariables[name]))
  const ports = new Set<number>()
  while (ports.size < names.length) ports.add(await pickPort())
  const free = [...ports]
  return Object.fromEntries(names.map((name, at) => [name, String(free[at])]))
}

/** Numbers go round, so a server with few databases can be shared by the stacks of one run after another, but not by many at once. */
async function takeRedisDatabase(url: string): Promise<string> {
  const redis = new Redis(url)
  try {
    const [, count = '16'] = await redis.config('GET', 'databases')
    const turn = await redis.incr('latchkey:test:stacks')
    return withPath(url, String(1 + (turn % (Number(count) - 1))))
  } finally {
    redis.disconnect()
  }
}

async function clearRedis(url: string): Promise<void> {
  const redis = new Redis(url)
  try {
    await redis.flushdb()
  } finally {
    redis.disconnect()
  }
}
