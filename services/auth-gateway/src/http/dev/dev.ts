import { PhoneInput, Strict } from '@latchkey/contracts/v1/shapes'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { DevCarriers, DevFeed, DevInbox } from '../../flows/ports.js'
import { escape, page } from '../page.js'
import { carrierButtons } from './carriers.js'
import { codeIn } from './code-in.js'
import { events } from './events.js'

export interface DevDeps {
  readonly inbox: DevInbox
  readonly feed: DevFeed
  readonly carriers: DevCarriers
  /** Moved forward instead of waiting for a cooldown or an expiry. */
  readonly clock: { offsetMs: number }
}

const Query = Type.Object({ to: Type.Optional(PhoneInput) })
const Clock = Strict({
  offsetMs: Type.Integer({
    minimum: 0,
    maximum: 400 * 24 * 3_600_000,
    description: 'How far the clock of challenges runs ahead, in ms',
  }),
})

/** What a developer needs to see and no production has: the SMS that were "sent", and a clock to move. */
export const dev: FastifyPluginAsync<DevDeps> = async (app, { inbox, feed, carriers, clock }) => {
  await app.register(events, { feed, carriers })
  await app.register(carrierButtons, { carriers })
  app.get(
    '/inbox',
    {
      // A page that looks again every few seconds must not use up its own developer's limit.
      config: { rateLimit: false },
      schema: {
        summary: 'Messages that development keeps instead of sending',
        tags: ['development'],
        querystring: Query,
      },
    },
    async (request, reply) => {
      const { to } = request.query as Static<typeof Query>
      // An unescaped `+` in a query is a space; nobody who tries curl should have to know.
      const messages = (await inbox.read(to?.trim().replace(/^(?!\+)/, '+'))).map(({ to, body, at }) => ({
        to,
        body,
        at,
        code: codeIn(body),
      }))
      if (!wantsHtml(request)) return messages
      const { html, contentSecurityPolicy } = page({
        title: 'SMS inbox',
        body:
          messages.map(article).join('') ||
          '<p class="soft">No messages yet. Sign up with any mobile number, and its code appears here.</p>',
        refreshSeconds: 3,
      })
      return reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy).send(html)
    },
  )
  app.put(
    '/clock',
    { schema: { summary: 'Move the clock of challenges', tags: ['development'], body: Clock } },
    async (request) => {
      clock.offsetMs = (request.body as Static<typeof Clock>).offsetMs
      return { offsetMs: clock.offsetMs }
    },
  )
}

interface Shown {
  readonly to: string
  readonly body: string
  readonly at: string
  readonly code: string | null
}

const wantsHtml = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/html') ?? false

const article = ({ to, body, at, code }: Shown): string =>
  `<article><p class="soft">${escape(to)} · ${escape(at)}</p>${code === null ? '' : `<p class="code">${escape(code)}</p>`}<pre>${escape(body)}</pre></article>`
