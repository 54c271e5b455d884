import type { Redis } from './redis.js'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** A short list that somebody else keeps, as its copy in Redis has it. */
export interface CopiedList<T> {
  /** As it is now, or was half a second ago. While the copy cannot be read, or is being written anew, as it last was; empty where nobody ever saw it. */
  read(): Promise<readonly T[]>
}

interface CopiedListOptions<S extends TSchema> {
  readonly redis: Redis
  /** Of the hash: each field an entry as JSON, but for these two. */
  readonly key: string
  /** `complete` is `1` in a copy from which nothing is missing. */
  readonly fields: { readonly version: string; readonly complete: string }
  readonly schema: S
  readonly maxAgeMs?: number
}

/** Reads the copy when it is asked for, and not more often than is of use. What a newer writer wrote and this one cannot read is left out. */
export function createCopiedList<S extends TSchema>({
  redis,
  key,
  fields: { version, complete },
  schema,
  maxAgeMs = 500,
}: CopiedListOptions<S>): CopiedList<Static<S>> {
  let known: readonly Static<S>[] = []
  let lookedAt = -Infinity
  let looking: Promise<void> | undefined

  async function look(): Promise<void> {
    // Nobody was asked, which is not remembered: a worker that has just started would not know of a pause for half a second.
    if (redis.status !== 'ready') return
    const found = await redis.hgetall(key).catch(() => ({}))
    // From its end: who looks twice waits once for a Redis that does not answer.
    lookedAt = performance.now()
    const { [version]: _version, [complete]: whole, ...entries }: Record<string, string> = found
    if (whole === '1') known = Object.values(entries).flatMap((text) => parse(schema, text))
  }
  return {
    async read() {
      if (performance.now() - lookedAt >= maxAgeMs) looking ??= look().finally(() => (looking = undefined))
      await looking
      return known
    },
  }
}

function parse<S extends TSchema>(schema: S, text: string): Static<S>[] {
  try {
    const found: unknown = JSON.parse(text)
    return Value.Check(schema, found) ? [found] : []
  } catch {
    return []
  }
}
