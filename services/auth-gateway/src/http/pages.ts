import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import fastifyStatic, { type FastifyStaticOptions } from '@fastify/static'
import { type PageSettings, pagePaths } from '@latchkey/contracts/v1/pages'
import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { escape } from './page.js'

export interface PagesOptions {
  /** What `npm run build` made of services/web. */
  readonly folder: string
  readonly brand: Omit<PageSettings['brand'], 'logo'>
  /** A picture on disk: SVG, PNG or WebP. */
  readonly logo?: string
  readonly settings: Omit<PageSettings, 'brand'>
}

/** Scripts, styles and pictures of our own files, calls to this very gateway, and nothing else: no inline, no third party, no markup out of text. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

const pictures: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
}

/** Whether a file can be the logo. */
export const isPicture = (file: string): boolean => extname(file).toLowerCase() in pictures

const logoPath = '/assets/logo'

/** An entry of the pages' build, as it is sent. */
export type SendEntry = (reply: FastifyReply, entry: string) => FastifyReply

/** How files of a build are served: each carries a hash of what is in it, or the version, so what a name stands for never changes. */
export const builtFiles = (root: string): FastifyStaticOptions => ({
  root,
  prefix: '/assets/',
  wildcard: false,
  globIgnore: ['**/*.{br,gz}'],
  preCompressed: true,
  immutable: true,
  maxAge: '365d',
  decorateReply: false,
})

/** Sends entries of the build, each told about this installation. Reads an entry when it is first asked for. */
export function entrySender({ folder, brand, logo, settings }: PagesOptions): SendEntry {
  const told: PageSettings = { ...settings, brand: { ...brand, logo: logo === undefined ? null : logoPath } }
  const meta = `<meta name="latchkey" content="${escape(JSON.stringify(told))}" />`
  const read = (entry: string) =>
    readFileSync(join(folder, `${entry}.html`), 'utf8')
      .replace(/<meta name="latchkey"[^>]*>/, () => meta)
      .replace(/<title>[^<]*<\/title>/, () => `<title>${escape(brand.name)}</title>`)
  const entries = new Map<string, string>()
  return (reply, entry) => {
    const html = entries.get(entry) ?? read(entry)
    entries.set(entry, html)
    return reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy).send(html)
  }
}

/**
 * The hosted pages: a closed list of addresses beside those of the APIs, never instead of one (two routes of one address do not
 * start). What is not on the list is refused as ever, in the voice of the face it belongs to.
 */
export const pages: FastifyPluginAsync<PagesOptions & { readonly sendEntry: SendEntry }> = async (app, options) => {
  const { folder, logo, sendEntry } = options
  for (const path of pagePaths)
    app.get(path, { schema: { hide: true } }, async (_request, reply) => sendEntry(reply, 'index'))
  await app.register(fastifyStatic, builtFiles(join(folder, 'assets')))
  if (logo === undefined) return
  const picture = readFileSync(logo)
  app.get(logoPath, { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type(pictures[extname(logo).toLowerCase()] ?? '')
      .header('cache-control', 'public, max-age=3600')
      .send(picture),
  )
}
