import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { Strict } from '@latchkey/contracts/v1/shapes'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { DevCarriers, DevFeed, DevInbox, DevMailbox } from '../../flows/ports.js'
import { escape, page } from '../page.js'
import { builtFiles, type SendEntry } from '../pages.js'
import { carrierButtons } from './carriers.js'
import { codeIn } from './code-in.js'
import { events } from './events.js'

export interface DevDeps {
  readonly inbox: DevInbox
  readonly mailbox: DevMailbox
  readonly feed: DevFeed
  readonly carriers: DevCarriers
  /** Where hosted pages are served: the folder of their build, and what sends one of it. */
  readonly built: { readonly folder: string; readonly sendEntry: SendEntry } | undefined
  /** Moved forward instead of waiting for a cooldown or an expiry. */
  readonly clock: { offsetMs: number }
}

const Query = Type.Object({
  to: Type.Optional(Type.String({ minLength: 1, maxLength: 254, examples: ['+919876543210', 'asha@example.com'] })),
})
const Clock = Strict({
  offsetMs: Type.Integer({
    minimum: 0,
    maximum: 400 * 24 * 3_600_000,
    description: 'How far the clock of challenges runs ahead, in ms',
  }),
})

/** What a developer needs to see and no production has: the SMS that were "sent", and a clock to move. */
export const dev: FastifyPluginAsync<DevDeps> = async (app, needs) => {
  const { inbox, mailbox, feed, carriers, built, clock } = needs
  await app.register(events, { feed, carriers })
  await app.register(carrierButtons, { carriers })
  if (built !== undefined) await app.register(fastifyStatic, builtFiles(join(built.folder, 'dev/assets')))
  app.get(
    '/inbox',
    {
      // A page that looks again every few seconds must not use up its own developer's limit.
      config: { rateLimit: false },
      schema: {
        summary: 'Messages and mail that development keeps instead of sending',
        tags: ['development'],
        querystring: Query,
      },
    },
    async (request, reply) => {
      const to = addressIn((request.query as Static<typeof Query>).to)
      const [texts, mails] = await Promise.all([inbox.read(to), mailbox.read(to)])
      const messages = [
        ...texts.map(({ to: phone, body, at }) => ({ to: phone, body, at, channel: 'sms' })),
        ...mails.map((mail) => ({ ...mail, channel: 'email' })),
      ]
        .toSorted((a, b) => b.at.localeCompare(a.at))
        .map((message) => ({ ...message, code: codeIn(message.body) }))
      if (!wantsHtml(request)) return messages
      if (built !== undefined) return built.sendEntry(reply, 'dev/inbox')
      const { html, contentSecurityPolicy } = page({
        title: 'Inbox',
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
  readonly subject?: string
  readonly body: string
  readonly at: string
  readonly code: string | null
}

/** An unescaped `+` in a query is a space; nobody who tries curl should have to know. */
const addressIn = (to: string | undefined): string | undefined =>
  to?.includes('@') === true ? to.trim().toLowerCase() : to?.trim().replace(/^(?!\+)/, '+')

const wantsHtml = ({ headers }: FastifyRequest): boolean => headers.accept?.includes('text/html') ?? false

const article = ({ to, subject, body, at, code }: Shown): string =>
  `<article><p class="soft">${escape(to)} · ${escape(at)}</p>${code === null ? '' : `<p class="code">${escape(code)}</p>`}${subject === undefined ? '' : `<p>${escape(subject)}</p>`}<pre>${escape(body)}</pre></article>`
