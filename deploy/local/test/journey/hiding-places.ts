import { readdirSync, readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { query } from '../../src/postgres.js'
import type { Stack } from '../../src/stack.js'

type Read = (redis: Redis, key: string) => Promise<unknown>

const readers: Readonly<Record<string, Read>> = {
  string: (redis, key) => redis.get(key),
  hash: (redis, key) => redis.hgetall(key),
  list: (redis, key) => redis.lrange(key, 0, -1),
  set: (redis, key) => redis.smembers(key),
  zset: (redis, key) => redis.zrange(key, '0', '-1', 'WITHSCORES'),
  stream: (redis, key) => redis.xrange(key, '-', '+'),
}

/** All keys and values of a Redis database, as text; of the jobs that are named, everything but the payload they were given. */
export async function inRedis(url: string, planted: readonly string[] = []): Promise<string> {
  const redis = new Redis(url)
  try {
    const parts: unknown[] = []
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key)
      const read = readers[type]
      if (read === undefined && type !== 'none') throw new Error(`nobody looks into a Redis ${type}`)
      const value = await read?.(redis, key)
      const isPlanted = planted.some((id) => key.endsWith(`:${id}`))
      parts.push(key, isPlanted ? { ...(value as object), data: '' } : value)
    }
    return JSON.stringify(parts)
  } finally {
    redis.disconnect()
  }
}

/** Every row of every table of ours, by the table's name. */
export async function inPostgres(url: string): Promise<Map<string, string>> {
  const { rows: tables } = await query<{ name: string }>(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'public'",
  )
  const rows = await Promise.all(
    tables.map(async ({ name }) => {
      const found = await query<{ row: string }>(url, `select to_jsonb(t)::text as row from "${name}" t`)
      return [name, found.rows.map(({ row }) => row).join('\n')] as const
    }),
  )
  return new Map(rows)
}

/** The command lines of all processes of this machine: anybody on it may read them. */
export function inProcessList(): string {
  if (process.platform !== 'linux') return ''
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      } catch {
        // It has ended meanwhile.
        return ''
      }
    })
    .join('\n')
}

/** What all services tell on their ops ports, errors included. */
export async function onOpsPorts({ opsUrls }: Stack): Promise<string> {
  const pages = Object.values(opsUrls).flatMap((url) => ['metrics', 'ready', 'live'].map((page) => `${url}/${page}`))
  return (await Promise.all(pages.map(async (url) => (await fetch(url)).text()))).join('\n')
}

/** Everything the queue dashboard tells of every job, and the dead letters. */
export async function onBoard({ opsUrls }: Stack, password: string): Promise<string> {
  const headers = { authorization: `Basic ${Buffer.from(`board:${password}`).toString('base64')}` }
  const read = async (path: string) => {
    const answer = await fetch(`${opsUrls['sms-worker']}${path}`, { headers })
    if (answer.status >= 500 || answer.status === 401 || (path === '/dead-letters' && !answer.ok))
      throw new Error(`${path} answers ${answer.status}`)
    return answer.text()
  }
  const pages = [await read('/dead-letters'), await read('/board/api/redis/stats')]
  for (const queue of ['sms', 'delivery-event'])
    for (const status of ['latest', 'active', 'waiting', 'prioritized', 'completed', 'failed', 'delayed']) {
      const page = await read(`/board/api/queues?activeQueue=${queue}&status=${status}&page=1&jobsPerPage=50`)
      const ids = [...page.matchAll(/"id":"([mbeord]-[^"]+)"/g)].map(([, id = '']) => id)
      const jobs = [...new Set(ids)].map((id) => `/board/api/queues/${queue}/${id}`)
      pages.push(page, ...(await Promise.all(jobs.flatMap((job) => [read(job), read(`${job}/logs`)]))))
    }
  return pages.join('\n')
}
