import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { planServices, portVariables, type ServiceName, serviceNames, type ServicePlan, type Variables } from './env.js'
import { generateKeys } from './keys.js'
import { pickPort } from './ports.js'
import { query } from './postgres.js'
import { readLogs, type RunningService, startService, stopServices } from './services.js'

interface StackOptions {
  /** Any database of the server, and any database number of the Redis: the stack takes ones of its own. */
  readonly databaseUrl: string
  readonly redisUrl: string
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
  restart(name: ServiceName, env?: Variables): Promise<void>
  /** Everything all services have logged, JSON lines. */
  logs(): string
  stop(): Promise<void>
}

/** Brings up the services on a database, a Redis database and ports of their own, with fresh keys, and waits until all can work. */
export async function startStack({ databaseUrl, redisUrl, env = {} }: StackOptions): Promise<Stack> {
  const database = `latchkey_${randomBytes(6).toString('hex')}`
  const [ownRedis] = await Promise.all([takeRedisDatabase(redisUrl), query(databaseUrl, `create database ${database}`)])
  const ownDatabase = withPath(databaseUrl, database)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-stack-'))
  const ports = await ownPorts()
  // Carriers of a test are processes on this machine.
  const publicWorker = `http://127.0.0.1:${ports['WORKER_PORT']}`
  const plans = planServices({
    given: { ...ports, PUBLIC_WORKER_URL: publicWorker, ...env },
    keys: generateKeys(),
    databaseUrl: ownDatabase,
    redisUrl: ownRedis,
  })
  const planOf = (name: ServiceName) => plans.find((plan) => plan.name === name) as ServicePlan
  const url = (port: number) => `http://127.0.0.1:${port}`
  const running = new Map<ServiceName, RunningService>()

  async function stop(): Promise<void> {
    await stopServices([...running.values()])
    rmSync(folder, { recursive: true, force: true })
    await Promise.all([clearRedis(ownRedis), query(databaseUrl, `drop database ${database} with (force)`)])
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
  return {
    gatewayUrl: url(planOf('auth-gateway').port),
    workerUrl: url(planOf('sms-worker').port),
    usersUrl: url(planOf('users').port),
    opsUrls: Object.fromEntries(plans.map(({ name, opsPort }) => [name, url(opsPort)])) as Record<ServiceName, string>,
    databaseUrl: ownDatabase,
    redisUrl: ownRedis,
    processes,
    restart: async (name, more = {}) => {
      const plan = planOf(name)
      const service = await startService({ ...plan, env: { ...plan.env, ...more } }, folder)
      processes[name] = service
      running.set(name, service)
    },
    logs: () => readLogs([...running.values()]),
    stop,
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

function withPath(url: string, path: string): string {
  const changed = new URL(url)
  changed.pathname = `/${path}`
  return changed.href
}
