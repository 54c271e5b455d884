import { createSign, createVerify, generateKeyPairSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { query } from '@latchkey/local/postgres'
import { pickPort } from '@latchkey/local/ports'
import { hash, verify } from '@node-rs/argon2'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import pg from 'pg'
import twilio from 'twilio'
import { Pool } from 'undici'
import { type Bench, type Figure, gather, type Row } from '../bench.js'
import { startChild } from '../child.js'
import { cpuBetween, cpuTimes, type Processes } from '../cpu.js'

const contender = 'bare parts'

/** What the parts of a request cost when nothing is around them. */
export const primitives: Row = {
  name: 'primitives',
  what: 'The CPU of the bare parts, stores included: the composite limit of each request is a sum of these.',
  async run(bench) {
    const figures: Figure[] = []
    const parts = await openParts(bench)
    try {
      for (let round = 1; round <= bench.scale.rounds; round += 1)
        for (const [name, part] of parts.all) {
          const turns = part.slow === true ? Math.max(5, bench.scale.turns / 100) : bench.scale.turns
          const values = [await costUs(bench, part, turns)]
          figures.push({ contender, name, unit: 'µs', values })
          bench.say(`  round ${round} · ${name} ${values[0]?.toFixed(0)} µs`)
        }
    } finally {
      await parts.close()
    }
    return gather(figures)
  },
}

interface Part {
  readonly once: () => unknown
  /** Whose CPU counts beside that of the stores. */
  readonly processes: Processes
  readonly slow?: boolean
}

const self: Processes = { self: process.pid }
const json = { 'content-type': 'application/json' }
const argon2id = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const text = 'x'.repeat(300)

async function openParts({ place }: Bench): Promise<{ all: ReadonlyMap<string, Part>; close(): Promise<void> }> {
  const url = `http://127.0.0.1:${await pickPort()}`
  const file = fileURLToPath(new URL('../bare-server.js', import.meta.url))
  const env = { PORT: new URL(url).port }
  const server = await startChild('bare server', { file, folder: place.folder, env, url, ready: '/ready' })
  const pool = new Pool(url, { connections: 32 })
  const request = async () => {
    const { body } = await pool.request({ method: 'POST', path: '/', headers: json, body: '{"phone":"+919800000000"}' })
    await body.text()
  }
  const redisUrl = await place.redis()
  const redis = new Redis(redisUrl)
  const sha = (await redis.script(
    'LOAD',
    "redis.call('HSET', KEYS[1], 'a', ARGV[1], 'b', ARGV[1]); redis.call('PEXPIRE', KEYS[1], 60000); return 1",
  )) as string
  const jobs = openJobs(redisUrl)
  const database = await place.database('bare')
  await query(database, 'create table bare (id integer primary key, text text not null, at timestamptz not null)')
  const db = new pg.Pool({ connectionString: database, max: 8 })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = createSign('sha256').update(text).sign(privateKey)
  const hashed = await hash('correct horse battery staple', argon2id)
  const send = sdk(place.carrier.env)
  let id = 0
  const next = () => (id += 1)
  const insert = () =>
    db.query({ name: 'insert', text: 'insert into bare values ($1, $2, now())', values: [next(), text] })
  const parts: Readonly<Record<string, Part>> = {
    'HTTP request': { once: request, processes: { server: server.pid } },
    'internal hop': { once: request, processes: { ...self, server: server.pid } },
    'Redis script': { once: () => redis.evalsha(sha, 1, `bare:${next()}`, text), processes: self },
    'BullMQ job': { once: () => jobs.done(`b-${next()}`), processes: self },
    'PostgreSQL insert': { once: insert, processes: self },
    'PostgreSQL select': {
      once: () => db.query({ name: 'select', text: 'select * from bare where id = $1', values: [next()] }),
      processes: self,
    },
    'carrier SDK send': { once: send, processes: self },
    'ES256 signature': { once: () => createSign('sha256').update(text).sign(privateKey), processes: self },
    'ES256 check': { once: () => createVerify('sha256').update(text).verify(publicKey, signature), processes: self },
    argon2id: { once: () => verify(hashed, 'correct horse battery staple'), processes: self, slow: true },
  }
  return {
    all: new Map(Object.entries(parts)),
    async close() {
      await Promise.all([pool.destroy(), db.end(), jobs.close()])
      redis.disconnect()
      await server.stop()
    },
  }
}

/** A queue whose jobs do nothing, added and worked off here. */
function openJobs(url: string) {
  const [adding, working] = [new Redis(url), new Redis(url, { maxRetriesPerRequest: null })]
  const prefix = '{bare}'
  const queue = new Queue('bare', { connection: adding, prefix, skipVersionCheck: true })
  const waiting = new Map<string, () => void>()
  const worker = new Worker('bare', async ({ id = '' }) => waiting.get(id)?.(), {
    connection: working,
    prefix,
    concurrency: 200,
    skipVersionCheck: true,
  })
  return {
    async done(jobId: string): Promise<void> {
      const worked = new Promise<void>((resolve) => waiting.set(jobId, resolve))
      await queue.add('bare', { text }, { jobId, priority: 3, removeOnComplete: { age: 3_600 } })
      await worked
      waiting.delete(jobId)
    },
    async close() {
      await worker.close()
      await queue.close()
      for (const redis of [adding, working]) redis.disconnect()
    },
  }
}

/** One message through the SDK as it comes, to the stand-in. */
function sdk(env: Readonly<Record<string, string>>): () => Promise<unknown> {
  const httpClient = new twilio.RequestClient()
  const ask = httpClient.request.bind(httpClient)
  httpClient.request = (options) =>
    ask({ ...options, uri: `${env['TWILIO_API_BASE_URL']}${new URL(options.uri).pathname}` })
  const client = twilio(env['TWILIO_ACCOUNT_SID'], env['TWILIO_AUTH_TOKEN'], { httpClient })
  const message = { to: '+919800000000', from: env['TWILIO_PHONE_NUMBER'] ?? '', body: 'Your code is 123456' }
  return () => client.messages.create(message)
}

/** The CPU of one turn; eight are under way at once, as in a service that has something to do. */
async function costUs({ place }: Bench, { once, processes }: Part, turns: number): Promise<number> {
  for (let warm = 0; warm < turns / 10; warm += 1) await once()
  const counted = { ...processes, ...place.storeProcesses }
  const before = cpuTimes(counted)
  let left = turns
  async function work(): Promise<void> {
    while (left > 0) {
      left -= 1
      await once()
    }
  }
  await Promise.all(Array.from({ length: 8 }, work))
  const used = cpuBetween(before, cpuTimes(counted))
  return [...used.values()].reduce((sum, us) => sum + us, 0) / turns
}
