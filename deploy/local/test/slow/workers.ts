import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { Variables } from '../../src/env.js'
import { caller } from '../journey/journey.js'
import type { Guest } from './people.js'
import type { Production } from './production.js'

/** A door to the Redis, for one worker alone. */
export async function redisDoor(t: Test, { redis }: Production) {
  const door = await startProxy(addressOf(redis.url, 6379))
  t.teardown(() => door.close().catch(() => undefined))
  return { ...door, url: through(redis.url, door.port) }
}

/** A second worker beside the first, that gets no job before it is let in: so it is certain who has which. */
export async function standby(t: Test, on: Production): Promise<{ letIn(): Promise<void> }> {
  const door = await redisDoor(t, on)
  await on.stack.another('sms-worker', { QUEUE_REDIS_URL: door.url, REDIS_URL: door.url })
  await door.cut()
  return { letIn: () => door.mend() }
}

/** Starts the stack's own worker again, in another environment. */
export async function replaceWorker({ stack }: Production, env: Variables): Promise<void> {
  await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
  await stack.restart('sms-worker', env)
}

/** SIGKILL for the stack's own worker, and until it is gone. */
export async function killWorker({ stack }: Production): Promise<void> {
  const { pid, ended } = stack.processes['sms-worker']
  process.kill(pid, 'SIGKILL')
  await ended
}

/** What stands between a worker and its carrier, as Redis has it. */
export function lookInside(t: Test, on: Production) {
  const redis = new Redis(on.redis.url)
  const queue = new Queue('sms', { connection: redis, prefix: '{latchkey}' })
  const carrier = caller(t, on.carrierUrl)
  t.teardown(async () => {
    await queue.close().catch(() => undefined)
    redis.disconnect()
  })
  async function jobOf({ challenge }: Guest) {
    const jobs = await queue.getJobs()
    return jobs.find((job) => job?.data.challengeId === challenge.id)
  }
  return {
    redis,
    queue,
    jobOf,
    /** Waits until a worker has taken the fence of his message. */
    fenced: (person: Guest) =>
      eventually('the fence', async () => {
        const job = await jobOf(person)
        return job !== undefined && (await redis.hget(fenceKey(job.data.messageId), 'count')) !== null
      }),
    /** The outcome of the first attempt, null where nobody wrote one down. */
    async outcome(person: Guest): Promise<string | null> {
      const job = await jobOf(person)
      return redis.hget(fenceKey(job?.data.messageId), '1:outcome')
    },
    /** Waits until the carrier has got so many requests for him that `left` of those that were to be spoiled remain. */
    reached: ({ phone }: Guest, left = 0) =>
      eventually(
        'the request at the carrier',
        async () => {
          const { body } = await carrier('GET', `/faults?to=${encodeURIComponent(phone)}`)
          const send = body.find(({ on: what }: { on: string }) => what === 'send')
          return (send?.times ?? 0) === left
        },
        20_000,
      ),
    failedJobs: () => queue.getFailedCount(),
  }
}

const fenceKey = (messageId: string) => `{latchkey}:fence:${messageId}`

interface Message {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly attempts: readonly string[]
}

/** What the delivery log has of his messages, oldest first, with what each attempt came to. */
export const logOf = ({ sql }: Production, { challenge }: Guest): Promise<Message[]> =>
  sql<Message>(
    `select id, state, reason, array(select outcome from sms_attempts where message_id = id order by number) as attempts
      from sms_messages where challenge_id = $1 order by first_at`,
    [challenge.id],
  )

/** Waits until his only message is in one of these states, and gives it. */
export const ends = (on: Production, person: Guest, states: readonly string[], withinMs = 30_000): Promise<Message> =>
  eventually(
    `a message to be ${states.join(' or ')}`,
    async () => {
      const [message] = await logOf(on, person)
      return message !== undefined && states.includes(message.state) && message
    },
    withinMs,
  )

/** One figure that a process tells on its ops port, over all its other labels; 0 before it is told. */
export async function figure(opsUrl: string, name: string, labels: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && line.includes(labels))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
