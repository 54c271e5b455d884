import { randomBytes } from 'node:crypto'
import { query } from '@latchkey/local/postgres'
import { Redis } from 'ioredis'
import { type Bench, type Figure, gather, type Row } from '../bench.js'
import type { Ours } from '../contenders/ours.js'
import { measureAtRate, turnsAt } from '../measure.js'
import { newPhone, withCodes } from '../people.js'

const contender = 'Latchkey'

/** Whether anything gets slower as it fills up. */
export const growth: Row = {
  name: 'growth',
  what: 'Sign-up and its answer on empty stores, with pending codes, and with these and accounts; and what each takes.',
  async run(bench) {
    const ours = await bench.ours()
    const { pendingCodes, users, rounds } = bench.scale
    const figures: Figure[] = []
    const measure = async (about: string) => {
      for (let round = 1; round <= rounds; round += 1)
        figures.push(...(await signUpAndAnswer(bench, ours, about, round)))
    }
    await measure('before: ')
    bench.say(`  preparing ${pendingCodes} pending codes`)
    const redisBytes = await fillCodes(ours, pendingCodes)
    await measure('pending codes: ')
    bench.say(`  preparing ${users} accounts`)
    const rowBytes = await fillUsers(ours, users)
    await measure('and accounts: ')
    figures.push({ contender, name: 'Redis a pending code', unit: 'bytes', values: [redisBytes] })
    figures.push({ contender, name: 'PostgreSQL an account, indexes included', unit: 'bytes', values: [rowBytes] })
    return gather(figures.filter(({ name }) => !name.includes('CPU')))
  },
}

async function signUpAndAnswer(bench: Bench, ours: Ours, about: string, round: number): Promise<readonly Figure[]> {
  const { perSecond } = bench.scale
  const at = { contender: ours, perSecond, round }
  const signUps = await measureAtRate(bench, () => ours.signUp(newPhone()), { ...at, about: `${about}sign-up ` })
  const waiting = await withCodes(bench, turnsAt(bench, perSecond), () => ours.signUp(newPhone()))
  const ask = async (turn: number) => {
    const { code, ...pending } = waiting[turn] ?? { phone: '', ref: '', code: '' }
    return ours.answer(pending, code)
  }
  return [...signUps, ...(await measureAtRate(bench, ask, { ...at, about: `${about}answer ` }))]
}

/** Copies what one real sign-up leaves in Redis (challenge, counters) under as many other names. Returns bytes each. */
async function fillCodes(ours: Ours, count: number): Promise<number> {
  const redis = new Redis(ours.stack.redisUrl)
  try {
    const { ref } = await ours.signUp(newPhone())
    const [challenge = ''] = await find(redis, `lk:*:challenge:${ref.slice(4)}`)
    const subject = (await redis.hget(challenge, 'subject')) ?? ''
    const keys = [challenge, ...(await find(redis, `lk:*:${subject}`))]
    const copies = await Promise.all(
      keys.map(async (key) => ({ key, value: await redis.dumpBuffer(key), lifeMs: await redis.pttl(key) })),
    )
    const before = await usedBytes(redis)
    for (let made = 0; made < count; ) {
      const write = redis.pipeline()
      for (let batch = 0; batch < 500 && made < count; batch += 1, made += 1) {
        const [id, hash] = [randomBytes(16).toString('hex'), randomBytes(subject.length).toString('hex')]
        const shard = hash.slice(0, 3)
        for (const { key, value, lifeMs } of copies) {
          const name = key
            .replace(/\{[0-9a-f]+\}/, `{${shard}}`)
            .replace(ref.slice(4), id)
            .replace(subject, hash.slice(0, subject.length))
          if (value !== null) write.restore(name, Math.max(0, lifeMs), value)
        }
      }
      await write.exec()
    }
    return ((await usedBytes(redis)) - before) / count
  } finally {
    redis.disconnect()
  }
}

async function find(redis: Redis, pattern: string): Promise<string[]> {
  const found: string[] = []
  for await (const keys of redis.scanStream({ match: pattern, count: 1_000 })) found.push(...(keys as string[]))
  return found
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

/** Accounts as sign-ups leave them, written by Postgres itself. Returns bytes a row, its indexes included. */
async function fillUsers({ stack: { databaseUrl } }: Ours, count: number): Promise<number> {
  const size = async () => {
    const { rows } = await query<{ bytes: string }>(databaseUrl, "select pg_total_relation_size('users') as bytes")
    return Number(rows[0]?.bytes)
  }
  const before = await size()
  await query(
    databaseUrl,
    `insert into users (id, phone, phone_verified_at, role, profile, created_at, updated_at)
     select gen_random_uuid(), '+9170' || lpad(n::text, 8, '0'), now(), 'user', '{}', now(), now()
     from generate_series(1, ${count}) n`,
  )
  await query(databaseUrl, 'analyze users')
  return ((await size()) - before) / count
}
