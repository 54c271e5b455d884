import { Redis } from 'ioredis'
import { pickPort } from '../ports.js'
import type { Member, Place } from './member.js'
import { keepRedis } from './redis-member.js'
import { waitFor } from './wait-for.js'

const master = 'latchkey'
const sentinels = 3
/** So many sentinels have to miss it. */
const quorum = 2
const downAfterMs = 1_000

/** A Redis with a replica, and three sentinels that put the one in the other's place. What it keeps is lost with its folder. */
export async function startGuardedRedis(place: Place): Promise<{ url: string; members: Member[] }> {
  const one = async (name: string, more: Parameters<typeof keepRedis>[3]) =>
    keepRedis(name, await pickPort(), place, more)
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
