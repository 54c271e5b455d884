import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'
import { errorsPage } from '../error-page.js'

/** Swagger UI's own files, its inline styles and images, and calls to this very gateway. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"

/** OpenAPI 3.1 from the routes' own schemas at /openapi.json, Swagger UI at /docs, the error catalogue at /docs/errors. */
export const docs = fp(async function docsPlugin(app) {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version: '1',
        description:
          'Phone-verified sign-in. Failures are problem documents (RFC 9457); each `type` leads to its explanation.',
      },
      tags: [
        { name: 'sign up and log in', description: 'Calls that lead to a session' },
        { name: 'challenges', description: 'Codes we sent and wait for' },
        { name: 'session', description: 'Keep a session, end it' },
        { name: 'me', description: 'The signed-in person' },
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transformObject: (document) =>
      'openapiObject' in document ? withOptionalBodies(document.openapiObject) : document.swaggerObject,
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: contentSecurityPolicy,
    theme: {
      title: 'Latchkey API',
      css: [{ filename: 'latchkey.css', content: '.swagger-ui .topbar { display: none }' }],
    },
    uiConfig: { displayRequestDuration: true, persistAuthorization: false, validatorUrl: null },
  })
  // Whoever opens the bare address wants to know what is here.
  app.get('/', { schema: { hide: true } }, async (_request, reply) => reply.redirect('/docs/'))
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/docs/errors', { schema: { hide: true } }, async (_request, reply) => {
    const { html, contentSecurityPolicy } = errorsPage()
    return reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy).send(html)
  })
})

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
