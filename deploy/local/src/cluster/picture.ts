import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import {
  planServices,
  portVariables,
  type ServiceName,
  serviceNames,
  type ServicePlan,
  type Variables,
} from '../env.js'
import type { Keys } from '../keys.js'
import { pickPort } from '../ports.js'
import { startPostgres } from '../postgres.js'
import { startService } from '../services.js'
import { type Balancer, startHaproxy } from './haproxy.js'
import { keepMember, type Member, type Place } from './member.js'
import { startPgBouncer } from './pgbouncer.js'
import { startRedisCluster } from './redis-cluster.js'
import { startGuardedRedis } from './redis-sentinel.js'

/** A new `dir` starts with nothing. */
interface PictureOptions extends Place {
  readonly keys: Keys
  readonly mode: 'development' | 'production'
  readonly env?: Variables
  /** Where people call; a free one where none is named. */
  readonly port?: number
  readonly say?: (line: string) => void
}

/** Latchkey as it grows out of one machine, on one machine. */
export interface Picture {
  readonly url: string
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly queueUrl: string
  /** Every process, stores first. */
  readonly members: readonly Member[]
  readonly replicas: Readonly<Record<ServiceName, readonly Member[]>>
  /** Starts the replicas of a service again, one after another, each once it is asked nothing more. */
  roll(service: ServiceName): Promise<void>
  stop(): Promise<void>
}

const counts: Readonly<Record<ServiceName, number>> = { 'auth-gateway': 2, 'sms-worker': 3, users: 2 }

/** Redis Cluster for codes, a Redis with sentinels for the queues, PgBouncer before Postgres, HAProxy before every service. */
export async function startPicture(options: PictureOptions): Promise<Picture> {
  const { say = () => undefined } = options
  const members: Member[] = []
  const stop = async () => {
    // In the order in which requests flow: who came last asks those before.
    for (const member of members.toReversed()) await member.stop()
  }
  try {
    mkdirSync(options.logDir, { recursive: true })
    say('· starting PostgreSQL behind PgBouncer, a Redis Cluster of three with replicas, a Redis with three sentinels…')
    const stores = await startStores(options, members)
    const ports = await frontPorts(options.port)
    const replicas = await planReplicas(options, stores, ports)
    const balancer = await startHaproxy(
      options,
      serviceNames.toReversed().map((service) => ({ service, port: ports[service], replicas: replicas[service] })),
    )
    members.push(balancer.member)
    say('· starting two users, three sms-workers, two auth-gateways behind HAProxy…')
    const running = { users: [], 'sms-worker': [], 'auth-gateway': [] } as Record<ServiceName, Member[]>
    const starts = serviceNames.flatMap((service) =>
      replicas[service].map(async (replica) => {
        const member = await startReplica(replica, options.logDir)
        members.push(member)
        running[service].push(member)
      }),
    )
    for (const start of await Promise.allSettled(starts)) if (start.status === 'rejected') throw start.reason
    for (const service of serviceNames) for (const { name } of replicas[service]) await balancer.admit(service, name)
    return {
      url: `http://127.0.0.1:${ports['auth-gateway']}`,
      ...stores,
      members,
      replicas: running,
      roll: (service) => roll(service, running[service], balancer),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function startStores(options: PictureOptions, members: Member[]) {
  const { dir, logDir } = options
  const place = { dir: join(dir, 'postgres'), logFile: join(logDir, 'postgres.log'), port: await pickPort() }
  let databaseUrl = ''
  const postgres = keepMember('postgres', place.port, async () => {
    const store = await startPostgres(place)
    databaseUrl = store.url
    return store
  })
  const keep = <T>(started: Promise<T>, of: (found: T) => readonly Member[]) =>
    started.then((found) => (members.push(...of(found)), found))
  const starts = [
    keep(postgres, (member) => [member]),
    keep(startRedisCluster(options), (found) => found.members),
    keep(startGuardedRedis(options), (found) => found.members),
  ] as const
  const [, cluster, queue] = await Promise.all(starts)
  const pooler = await startPgBouncer(options, databaseUrl)
  members.push(pooler.member)
  return { databaseUrl, pooledUrl: pooler.url, redisUrl: cluster.url, queueUrl: queue.url }
}

async function frontPorts(named?: number): Promise<Record<ServiceName, number>> {
  return { 'auth-gateway': named ?? (await pickPort()), 'sms-worker': await pickPort(), users: await pickPort() }
}

interface Replica {
  /** Its service, and which of its replicas. */
  readonly name: string
  readonly port: number
  readonly opsPort: number
  readonly plan: ServicePlan
}

type Stores = Awaited<ReturnType<typeof startStores>>

async function planReplicas(
  { keys, mode, env = {} }: PictureOptions,
  stores: Stores,
  fronts: Readonly<Record<ServiceName, number>>,
): Promise<Record<ServiceName, Replica[]>> {
  const front = (service: ServiceName) => `http://127.0.0.1:${fronts[service]}`
  const given = {
    QUEUE_REDIS_URL: stores.queueUrl,
    DATABASE_DIRECT_URL: stores.databaseUrl,
    PUBLIC_WORKER_URL: front('sms-worker'),
    TRUST_PROXY: '127.0.0.1/32',
    ...(mode === 'development' && { PAGES_URL: front('auth-gateway').replace('127.0.0.1', 'localhost') }),
    ...env,
  }
  const planned = { users: [], 'sms-worker': [], 'auth-gateway': [] } as Record<ServiceName, Replica[]>
  for (let nth = 1; nth <= Math.max(...Object.values(counts)); nth++) {
    const plans = planServices({
      given: { ...given, ...(await ownPorts()) },
      keys,
      databaseUrl: stores.pooledUrl,
      redisUrl: stores.redisUrl,
      mode,
    })
    for (const plan of plans.filter(({ name }) => nth <= counts[name])) {
      // Everybody calls users where all its replicas are reached.
      const env = { ...plan.env, USERS_URL: front('users') }
      planned[plan.name].push({ ...plan, name: `${plan.name}-${nth}`, plan: { ...plan, env } })
    }
  }
  return planned
}

async function ownPorts(): Promise<Variables> {
  const ports: Record<string, string> = {}
  for (const variable of serviceNames.flatMap((name) => Object.keys(portVariables[name])))
    ports[variable] = String(await pickPort())
  return ports
}

const startReplica = ({ name, port, plan }: Replica, logDir: string): Promise<Member> =>
  keepMember(name, port, async () => {
    const service = await startService(plan, join(logDir, name))
    return { ...service, stop: () => service.stop('SIGTERM', 10_000) }
  })

async function roll(service: ServiceName, replicas: readonly Member[], balancer: Balancer): Promise<void> {
  for (const replica of replicas) {
    await balancer.drain(service, replica.name)
    await replica.stop()
    await replica.restart()
    await balancer.admit(service, replica.name)
  }
}
