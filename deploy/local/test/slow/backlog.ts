import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { challengeKey, messageContext } from '@latchkey/contracts/challenge-record'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { smsClasses, smsJobId, smsQueue } from '@latchkey/contracts/queues/sms'
import type { Purpose } from '@latchkey/contracts/v1/shapes'
import { parseKeyRing } from '@latchkey/kit/key-ring'
import { createSealer } from '@latchkey/kit/seal'
import { createShardedIds } from '@latchkey/kit/sharded-id'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { generateKeys } from '../../src/keys.js'
import { randomPhone } from '../journey/journey.js'

/** One code that waits, as whoever asked for it would know it. */
export interface Waiting {
  readonly messageId: string
  readonly phone: string
  readonly purpose: Purpose
  readonly askedAt: number
  readonly deadline: number
}

interface Wish {
  readonly purpose: Purpose
  readonly lifeMs: number
}

const campaignClass = 5

/** Keys that a test shares with its services, to put codes into their queue by the thousand as a gateway would. */
export function seedKeys() {
  const { SEAL_KEYS, CHALLENGE_ID_KEY } = generateKeys()
  return { SEAL_KEYS, CHALLENGE_ID_KEY }
}

/** What puts codes, and what is no code, into the queue of a stack. */
export function createBacklog(t: Test, redisUrl: string, { SEAL_KEYS, CHALLENGE_ID_KEY }: ReturnType<typeof seedKeys>) {
  const redis = new Redis(redisUrl)
  const queue = new Queue(smsQueue.name, { connection: redis, prefix: queuePrefix })
  const sealer = createSealer(parseKeyRing(SEAL_KEYS))
  const ids = createShardedIds(parseKeyRing(CHALLENGE_ID_KEY)[0])
  t.teardown(async () => {
    await queue.close().catch(() => undefined)
    redis.disconnect()
  })

  function opened(phone: string, lifeMs: number) {
    const shard = randomBytes(2).toString('hex').slice(1)
    const challengeId = ids.create(shard)
    const message = { kind: 'code', to: phone, code: String(randomInt(10 ** 6)).padStart(6, '0') }
    const key = challengeKey(shard, challengeId)
    const fields = {
      state: 'live',
      generation: 1,
      expiresAt: Date.now() + lifeMs,
      box: sealer.seal(JSON.stringify(message), messageContext(challengeId, 1)),
      locale: 'en',
    }
    return { challengeId, key, fields }
  }

  const job = (challengeId: string, { purpose, lifeMs }: Wish, priority: number) => {
    const messageId = randomUUID()
    const data = {
      v: 1,
      messageId,
      challengeId,
      generation: 1,
      purpose,
      notAfter: new Date(Date.now() + lifeMs).toISOString(),
      country: 'IN',
      requestId: messageId,
    }
    const opts = { jobId: smsJobId(messageId), priority, attempts: 25, removeOnComplete: { age: 3_600 } }
    return { name: smsQueue.name, data, opts }
  }

  const phones = new Set<string>()
  /** Nobody's of this backlog yet: two of thousands would have the same about once in ten times, and look like one who got two. */
  function newPhone(): string {
    const phone = randomPhone()
    if (phones.has(phone)) return newPhone()
    phones.add(phone)
    return phone
  }

  return {
    queue,
    /** As many people as there are wishes ask for a code each. */
    async ask(wishes: readonly Wish[]): Promise<Waiting[]> {
      const people = wishes.map((wish) => {
        const phone = newPhone()
        const challenge = opened(phone, wish.lifeMs)
        return { wish, phone, challenge, job: job(challenge.challengeId, wish, smsClasses[wish.purpose]) }
      })
      const pipeline = redis.pipeline()
      for (const { challenge } of people)
        pipeline.hset(challenge.key, challenge.fields).pexpire(challenge.key, 3_600_000)
      await pipeline.exec()
      await queue.addBulk(people.map((person) => person.job))
      const askedAt = Date.now()
      return people.map(({ wish: { purpose, lifeMs }, phone, job: { data } }) => ({
        messageId: data.messageId,
        phone,
        purpose,
        askedAt,
        deadline: askedAt + lifeMs,
      }))
    },
    /** Messages of a campaign, behind every code. They all refer to one challenge, as only their number matters. */
    async campaign(count: number, lifeMs: number): Promise<void> {
      const { challengeId, key, fields } = opened(randomPhone(), lifeMs)
      await redis.multi().hset(key, fields).pexpire(key, lifeMs).exec()
      const wish = { purpose: 'sign_up', lifeMs } as const
      // Paused meanwhile, as if it had come all at once.
      await queue.pause()
      let made = 0
      const fill = async () => {
        while (made < count) {
          const some = Math.min(count - made, 1_000)
          made += some
          await queue.addBulk(Array.from({ length: some }, () => job(challengeId, wish, campaignClass)))
        }
      }
      await Promise.all([fill(), fill()])
      await queue.resume()
    },
  }
}

/** The most that came within any span of this length. */
export function mostWithin(times: readonly number[], spanMs: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  let most = 0
  for (let from = 0, to = 0; to < sorted.length; to += 1) {
    while ((sorted[to] ?? 0) - (sorted[from] ?? 0) >= spanMs) from += 1
    most = Math.max(most, to - from + 1)
  }
  return most
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
