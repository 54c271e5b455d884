import { Readable } from 'node:stream'
import { type FeedEvent, feedPath } from '@latchkey/contracts/dev/feed'
import { AppError } from '@latchkey/kit/app-error'
import type { FastifyPluginAsync } from 'fastify'
import type { DevCarriers, DevFeed, DevFeedItem } from '../../flows/ports.js'
import { codeIn } from './code-in.js'

interface EventsNeeds {
  readonly feed: DevFeed
  readonly carriers: DevCarriers
  /** Who look on at the same time; more are sent away. */
  readonly most?: number
}

/** A stream ends after an hour, and its browser comes again where it was. */
const streamMs = 3_600_000
const comeAgainMs = 1_000

/** What happens, as server-sent events: whoever comes again with `Last-Event-ID` misses nothing. */
export const events: FastifyPluginAsync<EventsNeeds> = async (app, { feed, carriers, most = 32 }) => {
  const closing = new AbortController()
  // A stream would hold the end of the process up.
  app.addHook('preClose', async () => closing.abort())
  let open = 0

  async function* frames(after: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
    yield `retry: ${comeAgainMs}\n\n`
    for await (const item of feed.follow(after, signal)) {
      yield frame(item)
      if (item === 'begin')
        yield told({ kind: 'carriers', carriers: await carriers.list(), at: new Date().toISOString() })
    }
  }

  app.get(
    feedPath,
    {
      config: { rateLimit: false },
      handlerTimeout: streamMs + 60_000,
      // It has no end: whoever tries out what is documented would wait for one.
      schema: { hide: true },
    },
    async (request, reply) => {
      if (open >= most) throw new AppError('unavailable', { detail: 'Too many look on already. Close a page.' })
      open += 1
      const gone = new AbortController()
      reply.raw.once('close', () => {
        open -= 1
        gone.abort()
      })
      const { 'last-event-id': after } = request.headers
      const signal = AbortSignal.any([gone.signal, closing.signal, AbortSignal.timeout(streamMs)])
      const stream = Readable.from(frames(typeof after === 'string' ? after : undefined, signal), { highWaterMark: 1 })
      return reply.type('text/event-stream').send(stream)
    },
  )
}

/** An entry with its id; where nothing happened a comment, which keeps the connection. */
function frame(item: DevFeedItem): string {
  if (item === 'still') return ': still\n\n'
  if (item === 'begin') return told({ kind: 'begin' })
  const { id, entry } = item
  return `id: ${id}\n${told(entry.kind === 'arrived' ? { ...entry, code: codeIn(entry.body) } : entry)}`
}

const told = (event: FeedEvent): string => `data: ${JSON.stringify(event)}\n\n`
