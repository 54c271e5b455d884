import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { errorsPage } from '../error-page.js'

/** Swagger UI's own files, its inline styles and images, and calls to this very gateway. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

interface DocsOptions {
  readonly title: string
  readonly description: string
  readonly tags?: readonly { readonly name: string; readonly description: string }[]
  /** Other documents that the page leads to, by the address of each. */
  readonly others?: readonly { readonly name: string; readonly url: string }[]
}

/** Of the face in whose scope it is registered, before its routes: OpenAPI 3.1 at /openapi.json and Swagger UI at /docs, under its prefix. */
export const docs = fp<DocsOptions>(async function docsPlugin(app, { title, description, tags = [], others = [] }) {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, version: '1', description },
      tags: [...tags],
      // Paths as a front end knows them that was written against the documented API.
      ...(app.prefix !== '' && { servers: [{ url: app.prefix }] }),
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transformObject: (document) =>
      'openapiObject' in document ? withOptionalBodies(document.openapiObject) : document.swaggerObject,
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    indexPrefix: app.prefix,
    staticCSP: contentSecurityPolicy,
    theme: { title: `${title} API`, css: [{ filename: 'latchkey.css', content: others.length > 0 ? slim : bare }] },
    uiConfig: {
      displayRequestDuration: true,
      persistAuthorization: false,
      validatorUrl: null,
      ...(others.length > 0 && { urls: [{ name: title, url: `${app.prefix}/openapi.json` }, ...others] }),
    },
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
})

/** Without a choice the bar above the page is of no use; with one it needs no logo that is not ours. */
const bare = '.swagger-ui .topbar { display: none }'
const slim = '.swagger-ui .topbar a.link { display: none }'

/** What the bare address leads to where no page is served there. */
export const home: FastifyPluginAsync = async (app) => {
  app.get('/', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/docs/'))
}

/** What every problem document leads to. */
export const signposts: FastifyPluginAsync = async (app) => {
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) => {
    const { html, contentSecurityPolicy } = errorsPage()
    return reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy).send(html)
  })
}

interface Operation {
  requestBody?: {
    required?: boolean
    content: Record<string, { schema?: { anyOf?: { type?: string; properties?: object }[] } }>
  }
}

/** The generator calls every body required. Ours are optional where the schema takes none (`null`), and left out where only `{}` would do. */
function withOptionalBodies<D extends { paths?: object }>(document: D): D {
  for (const path of Object.values(document.paths ?? {}) as Record<string, Operation>[]) {
    for (const operation of Object.values(path)) {
      const choices = operation.requestBody?.content['application/json']?.schema?.anyOf
      if (operation.requestBody === undefined || !choices?.some(({ type }) => type === 'null')) continue
      operation.requestBody.required = false
      if (choices.every(({ properties = {} }) => Object.keys(properties).length === 0)) delete operation.requestBody
    }
  }
  return document
}
