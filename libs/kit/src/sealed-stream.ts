import type { Redis } from './redis.js'
import type { Sealer } from './seal.js'

/** A short memory in Redis of what happened, for whoever looks on: in order, sealed, and bounded. */
export interface SealedStream {
  /** Throws where Redis is away. */
  add(entry: unknown): Promise<void>
  /** What came after that id, in order; waits up to `waitMs` for the first. What was sealed with other keys is left out. */
  next(after: string, waitMs: number): Promise<{ readonly lastId: string; readonly entries: readonly StreamEntry[] }>
}

export interface StreamEntry {
  readonly id: string
  readonly value: unknown
}

interface StreamOptions {
  /** Who waits in `next` needs a connection of its own, of `consumer` patience. */
  readonly redis: Redis
  readonly sealer: Sealer
  readonly key: string
  /** Entries kept, about. */
  readonly length: number
  /** How long it outlives its last entry. */
  readonly lifeSeconds: number
}

const mostAtOnce = 500

export function createSealedStream({ redis, sealer, key, length, lifeSeconds }: StreamOptions): SealedStream {
  const open = ([id, [, box = '']]: [string, string[]]): StreamEntry[] => {
    try {
      return [{ id, value: JSON.parse(sealer.open(box, key)) as unknown }]
    } catch {
      return []
    }
  }
  return {
    async add(entry) {
      const box = sealer.seal(JSON.stringify(entry), key)
      await redis.multi().xadd(key, 'MAXLEN', '~', length, '*', 'box', box).expire(key, lifeSeconds).exec()
    },
    async next(after, waitMs) {
      const [stream] =
        (await redis.xread('COUNT', mostAtOnce, 'BLOCK', Math.max(1, waitMs), 'STREAMS', key, after)) ?? []
      const found = (stream?.[1] ?? []) as [string, string[]][]
      return { lastId: found.at(-1)?.[0] ?? after, entries: found.flatMap(open) }
    },
  }
}
