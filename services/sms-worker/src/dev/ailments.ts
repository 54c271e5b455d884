import type { Ailment, SandboxLane } from '@latchkey/contracts/dev/ailments'
import { Suffering, sufferingKey } from '@latchkey/contracts/dev/carriers'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'

interface AilmentsNeeds {
  readonly redis: Redis
  readonly prefix: string
  /** The carriers of development that this worker has: all well when it starts. */
  readonly lanes: readonly SandboxLane[]
}

/** What a developer makes the carriers of development suffer from, asked before each message. */
export function createAilments({
  redis,
  prefix,
  lanes,
}: AilmentsNeeds): (lane: SandboxLane) => Promise<Ailment | undefined> {
  const key = sufferingKey(prefix)
  const told = Object.fromEntries(lanes.map((lane) => [lane, '']))
  redis.once(
    'ready',
    () =>
      void redis
        .multi()
        .del(key)
        .hset(key, told)
        .exec()
        .catch(() => undefined),
  )
  return async (lane) => {
    const text = await redis.hget(key, lane)
    if (text === null || text === '') return undefined
    const suffering: unknown = JSON.parse(text)
    return Value.Check(Suffering, suffering) && Date.parse(suffering.until) > Date.now() ? suffering.ailment : undefined
  }
}
