import { EventEmitter, once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { FeedEntry } from '@latchkey/contracts/dev/feed'
import { createSealedStream, type SealedStream } from '@latchkey/kit/sealed-stream'
import type { Redis } from '@latchkey/kit/redis'
import type { Logger } from 'pino'
import { Value } from 'typebox/value'
import type { DevFeed, DevFeedItem } from '../flows/ports.js'

interface FeedNeeds {
  readonly writer: SealedStream
  readonly bounds: Omit<Parameters<typeof createSealedStream>[0], 'redis'>
  readonly connect: () => Redis
  readonly log: Logger
  /** Shortened by tests only. */
  readonly stillMs?: number
}

type Item = Extract<DevFeedItem, { id: string }>

/** As long as a follower waits before it is told that nothing came: proxies and browsers give up silent connections. */
const usualStillMs = 15_000
const waitMs = 5_000
const awayMs = 500

/**
 * One reader for all who look on, from the first of them on. It keeps as much in memory as Redis does; a follower is only a place in it, so that
 * one who reads slowly costs nothing, and is told to begin anew once what it waits for is gone.
 */
export function createDevFeed({
  writer,
  bounds,
  connect,
  log,
  stillMs = usualStillMs,
}: FeedNeeds): DevFeed & { close(): void } {
  const news = new EventEmitter().setMaxListeners(0)
  const items: Item[] = []
  /** The place of the first that is kept. */
  let first = 0
  let redis: Redis | undefined
  let caughtUp: Promise<void> | undefined
  let closed = false

  function keep(entries: readonly { readonly id: string; readonly value: unknown }[]): void {
    for (const { id, value } of entries) if (Value.Check(FeedEntry, value)) items.push({ id, entry: value })
    first += items.splice(0, items.length - bounds.length).length
    if (entries.length > 0) news.emit('more')
  }

  /** What is there already is read before anybody is told anything. */
  async function start(): Promise<void> {
    redis = connect()
    const stream = createSealedStream({ ...bounds, redis })
    const at = await read(stream, '0-0', 1)
    void (async () => {
      for (let last = at; !closed; ) last = await read(stream, last, waitMs)
    })()
  }

  async function read(stream: SealedStream, after: string, forMs: number): Promise<string> {
    while (!closed) {
      try {
        const { lastId, entries } = await stream.next(after, forMs)
        keep(entries)
        return lastId
      } catch (err) {
        log.debug({ err }, 'the feed of development')
        if (!closed) await sleep(awayMs)
      }
    }
    return after
  }

  async function* follow(after: string | undefined, signal: AbortSignal): AsyncGenerator<DevFeedItem> {
    caughtUp ??= start()
    await caughtUp
    const known = items.findLastIndex(({ id }) => id === after)
    let place = known === -1 ? -1 : first + known + 1
    while (!signal.aborted) {
      const item = items[place - first]
      if (place < first) {
        place = first
        yield 'begin'
      } else if (item !== undefined) {
        place += 1
        yield item
      } else {
        const patience = AbortSignal.any([signal, AbortSignal.timeout(stillMs)])
        const more = await once(news, 'more', { signal: patience }).catch(() => undefined)
        if (more === undefined && !signal.aborted) yield 'still'
      }
    }
  }

  return {
    note: (entry) => void writer.add(entry).catch((err: unknown) => log.debug({ err }, 'the feed of development')),
    follow,
    close() {
      closed = true
      redis?.disconnect()
    },
  }
}
