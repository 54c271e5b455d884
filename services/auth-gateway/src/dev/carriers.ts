import { sandboxLanes } from '@latchkey/contracts/dev/ailments'
import { type SandboxCarrier, Suffering, sufferingKey } from '@latchkey/contracts/dev/carriers'
import { orUnavailable } from '@latchkey/kit/redis'
import type { Redis } from '@latchkey/kit/redis'
import { Value } from 'typebox/value'
import type { DevCarriers, DevFeed } from '../flows/ports.js'

interface CarriersNeeds {
  readonly redis: Redis
  readonly prefix: string
  readonly note: DevFeed['note']
}

/** Leaves in Redis what the worker is to suffer from; it looks before each message. */
export function createDevCarriers({ redis, prefix, note }: CarriersNeeds): DevCarriers {
  const key = sufferingKey(prefix)

  async function list(): Promise<SandboxCarrier[]> {
    const told = await orUnavailable(() => redis.hgetall(key))
    return sandboxLanes.flatMap((lane) => {
      const text = told[lane]
      return text === undefined ? [] : [{ lane, suffers: read(text) }]
    })
  }
  return {
    list,
    async ail(lane, suffers) {
      const known = await list()
      if (!known.some((carrier) => carrier.lane === lane)) return false
      await orUnavailable(() => redis.hset(key, lane, suffers === null ? '' : JSON.stringify(suffers)))
      note({ kind: 'carriers', carriers: await list(), at: new Date().toISOString() })
      return true
    },
  }
}

function read(text: string): Suffering | null {
  if (text === '') return null
  const suffers: unknown = JSON.parse(text)
  return Value.Check(Suffering, suffers) && Date.parse(suffers.until) > Date.now() ? suffers : null
}
