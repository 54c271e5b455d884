import { randomBytes, randomUUID } from 'node:crypto'
import { challengeKey, messageContext } from '@latchkey/contracts/challenge-record'
import { queuePrefix } from '@latchkey/contracts/queues/queue'
import { smsJobId, smsQueue, type SmsJob } from '@latchkey/contracts/queues/sms'
import { parseKeyRing } from '@latchkey/kit/key-ring'
import { createSealer } from '@latchkey/kit/seal'
import { createShardedIds } from '@latchkey/kit/sharded-id'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Ours } from './contenders/ours.js'
import { newPhone } from './people.js'

const lifeMs = 60 * 60_000
const batch = 1_000

interface Jobs {
  readonly count: number
  /** The class they wait in. */
  readonly priority: number
}

/** Puts messages of real challenges on the queue, as the gateway does, only faster: sealed, each under an id of its own. */
export async function fillQueue({ stack, keys }: Ours, { count, priority }: Jobs): Promise<void> {
  const redis = new Redis(stack.redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue(smsQueue.name, { connection: redis, prefix: queuePrefix, skipVersionCheck: true })
  const sealer = createSealer(parseKeyRing(keys.SEAL_KEYS))
  const [idKey] = parseKeyRing(keys.CHALLENGE_ID_KEY)
  const ids = createShardedIds(idKey)
  try {
    for (let made = 0; made < count; made += batch) {
      const jobs = Array.from({ length: Math.min(batch, count - made) }, () => makeJob(ids))
      const write = redis.pipeline()
      for (const { job, shard } of jobs) {
        const key = challengeKey(shard, job.challengeId)
        const code = JSON.stringify({ kind: 'code', to: newPhone(), code: '123456' })
        write.hset(key, {
          state: 'live',
          purpose: job.purpose,
          generation: '1',
          expiresAt: String(Date.parse(job.notAfter)),
          box: sealer.seal(code, messageContext(job.challengeId, 1)),
          country: job.country,
          locale: 'en',
        })
        write.pexpire(key, lifeMs)
      }
      await write.exec()
      await queue.addBulk(
        jobs.map(({ job }) => ({
          name: smsQueue.name,
          data: job,
          opts: { jobId: smsJobId(job.messageId), priority, attempts: 25, removeOnComplete: { age: 3_600 } },
        })),
      )
    }
  } finally {
    await queue.close()
    redis.disconnect()
  }
}

function makeJob(ids: ReturnType<typeof createShardedIds>): { job: SmsJob; shard: string } {
  const shard = randomBytes(2).toString('hex').slice(0, 3)
  return {
    shard,
    job: {
      v: 1,
      messageId: randomUUID(),
      challengeId: ids.create(shard),
      generation: 1,
      purpose: 'sign_up',
      notAfter: new Date(Date.now() + lifeMs).toISOString(),
      country: 'IN',
      requestId: 'bench',
    },
  }
}

export interface QueueWatch {
  /** Jobs that nobody has finished yet. */
  waiting(): Promise<number>
  /** Takes away what waits. */
  empty(): Promise<void>
  /** Takes away what is finished: as many jobs as no other row leaves behind. */
  forgetFinished(): Promise<void>
  close(): Promise<void>
}

/** Looks at the queue of messages from outside. */
export function watchQueue(redisUrl: string): QueueWatch {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null })
  const queue = new Queue(smsQueue.name, { connection: redis, prefix: queuePrefix, skipVersionCheck: true })
  return {
    waiting: async () => queue.getJobCountByTypes('waiting', 'prioritized', 'delayed', 'active'),
    empty: () => queue.drain(true),
    async forgetFinished() {
      while ((await queue.clean(0, 10_000, 'completed')).length > 0);
    },
    async close() {
      await queue.close()
      redis.disconnect()
    },
  }
}
