import type { Check } from '@latchkey/kit/ops'
import type { Consumer } from '@latchkey/kit/queue'
import { guardRedis, type ObserveRedis } from '@latchkey/kit/redis'
import type { Scope } from '@latchkey/kit/run'
import type { Redis } from '@latchkey/kit/redis'
import type { WorkerConfig } from './config.js'

interface Checked {
  readonly scope: Scope
  readonly redis: Redis
  readonly queueRedis: Redis
  readonly consumer: Consumer
  readonly observe: ObserveRedis
}

/** What has to be in order for this worker to be ready. */
export function checksOf(
  config: WorkerConfig,
  { scope, redis, queueRedis, consumer, observe }: Checked,
): Readonly<Record<string, Check>> {
  const guard = (name: string, connection: Redis): Check => {
    const watched = guardRedis(connection, {
      name,
      appendOnly: config.NODE_ENV === 'production',
      refuse: (error) => scope.fail(error),
      observe,
    })
    scope.defer(`${name} guard`, () => watched.close())
    return watched.check
  }
  return {
    redis: guard('redis', redis),
    queueRedis: guard('queue redis', queueRedis),
    consumer: async () => (consumer.running ? undefined : 'the consumer is not running'),
  }
}
