import { join } from 'node:path'
import { Redis } from 'ioredis'
import { LaunchError } from '../launch-error.js'
import { pickPort } from '../ports.js'
import { startRedis } from '../redis.js'
import { keepMember, type Member } from './member.js'
import { waitFor } from './wait-for.js'

interface Place {
  readonly dir: string
  readonly logDir: string
  readonly cache: string
}

const master = 'latchkey'
const sentinels = 3
/** So many sentinels have to miss it. */
const quorum = 2
const downAfterMs = 1_000

/** A Redis with a replica, and three sentinels that put the one in the other's place. What it keeps is lost with its folder. */
export async function startGuardedRedis({ dir, logDir, cache }: Place): Promise<{ url: string; members: Member[] }> {
  const one = async (name: string, more: Pick<Parameters<typeof startRedis>[0], 'settings' | 'sentinel'>) => {
    const port = await pickPort()
    const start = async () => {
      const store = await startRedis({
        dir: join(dir, name),
        logFile: join(logDir, `${name}.log`),
        cache,
        port,
        ...more,
      })
      if (store === undefined) throw new LaunchError('there is no Redis on this machine')
      return store
    }
    return keepMember(name, port, start)
  }
  const first = await one('queue-1', { settings: { 'repl-diskless-sync-delay': 0 } })
  const second = await one('queue-2', {
    settings: { 'repl-diskless-sync-delay': 0, replicaof: `127.0.0.1 ${first.port}` },
  })
  const watch = [
    `sentinel monitor ${master} 127.0.0.1 ${first.port} ${quorum}`,
    `sentinel down-after-milliseconds ${master} ${downAfterMs}`,
    `sentinel failover-timeout ${master} 5000`,
  ]
  const watchers = await Promise.all(
    Array.from({ length: sentinels }, (_, at) => one(`sentinel-${at + 1}`, { sentinel: watch })),
  )
  await Promise.all(watchers.map(({ port }) => knowsAll(port)))
  const hosts = watchers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return { url: `redis-sentinel://${hosts}?master=${master}`, members: [first, second, ...watchers] }
}

/** Before it knows the others, and the replica, it can put nobody in nobody's place. */
async function knowsAll(port: number): Promise<void> {
  const sentinel = new Redis(port, '127.0.0.1')
  try {
    await waitFor('a sentinel to know the others', async () => {
      const info = await sentinel.info('sentinel')
      return info.includes(`slaves=1,sentinels=${sentinels}`)
    })
  } finally {
    sentinel.disconnect()
  }
}
