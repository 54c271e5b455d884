import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { haproxy } from '../debian-package.js'
import type { ServiceName } from '../env.js'
import { exchange, pickPort } from '../ports.js'
import { keepMember, type Member, type Place } from './member.js'
import { startServer } from './server.js'
import { waitFor } from './wait-for.js'

/** The replicas of a service, and where they are all reached. */
export interface Backend {
  readonly service: ServiceName
  readonly port: number
  readonly replicas: readonly { readonly name: string; readonly port: number; readonly opsPort: number }[]
}

/** What stands before every service, and gives each request to one of its replicas that is ready. */
export interface Balancer {
  readonly member: Member
  /** Gives this one no more requests, and waits until it has answered all. */
  drain(service: ServiceName, replica: string): Promise<void>
  /** Gives it requests again, from its next good check on. */
  admit(service: ServiceName, replica: string): Promise<void>
}

const checkEveryMs = 500

/** HAProxy before the replicas, looking at `/ready` of each. */
export async function startHaproxy({ dir, logDir, cache }: Place, backends: readonly Backend[]): Promise<Balancer> {
  const own = join(dir, 'haproxy')
  mkdirSync(own, { recursive: true })
  const adminPort = await pickPort()
  const file = join(own, 'haproxy.cfg')
  writeFileSync(file, `${[...common(adminPort), ...backends.flatMap(section)].join('\n')}\n`)
  const [first] = backends
  const member = await keepMember('haproxy', first?.port ?? 0, async () => {
    const logFile = join(logDir, 'haproxy.log')
    const args = ['-db', '-f', file]
    const server = await startServer({ wanted: haproxy, args, port: first?.port ?? 0, cache, logFile })
    return { ...server, stop: () => server.stop('SIGTERM', 3_000) }
  })
  const tell = async (words: string) =>
    (await exchange({ host: '127.0.0.1', port: adminPort }, `${words}\n`, 2_000)) ?? ''
  /** Of one replica, by the column of `show stat`. */
  async function stat(service: ServiceName, replica: string): Promise<Record<string, string>> {
    const [head = '', ...rows] = (await tell(`show stat ${service} 4 -1`)).split('\n')
    const names = head.replace(/^# /, '').split(',')
    const row = rows.map((text) => text.split(',')).find(([, name]) => name === replica) ?? []
    return Object.fromEntries(names.map((name, at) => [name, row[at] ?? '']))
  }
  return {
    member,
    async drain(service, replica) {
      await tell(`set server ${service}/${replica} state drain`)
      await waitFor(`${replica} to have answered all`, async () => (await stat(service, replica))['scur'] === '0')
    },
    async admit(service, replica) {
      await tell(`set server ${service}/${replica} state ready`)
      await waitFor(`${replica} to be up`, async () => (await stat(service, replica))['status'] === 'UP')
    },
  }
}

const common = (adminPort: number) => [
  'global',
  `  stats socket ipv4@127.0.0.1:${adminPort} level admin`,
  '  maxconn 2000',
  'defaults',
  '  mode http',
  '  timeout connect 1s',
  // A machine that is busy is not one that is gone.
  '  timeout check 2s',
  '  timeout client 30s',
  '  timeout server 30s',
  // Where nobody took the connection nothing was sent: another replica is asked. What was sent is never sent again.
  '  retries 3',
  '  retry-on conn-failure',
  '  option redispatch 1',
  '  option forwardfor',
  '  option httpchk GET /ready',
  '  http-check expect status 200',
]

const section = ({ service, port, replicas }: Backend) => [
  `listen ${service}`,
  `  bind 127.0.0.1:${port}`,
  '  balance leastconn',
  ...replicas.map(
    ({ name, port: own, opsPort }) =>
      `  server ${name} 127.0.0.1:${own} check port ${opsPort} inter ${checkEveryMs} fall 2 rise 1 init-addr none`,
  ),
]
