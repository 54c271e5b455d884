import cors from '@fastify/cors'
import fp from 'fastify-plugin'
import helmet from 'helmet'

/** Headers for an API: nothing may be framed, sniffed, cached or run; browsers of listed origins only may call. */
export const securityHeaders = fp<{ origins: readonly string[] }>(async function securityHeaders(app, { origins }) {
  // Made once: @fastify/helmet makes and checks them anew for every request.
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
  })
  app.addHook('onRequest', ({ raw }, reply, done) => protect(raw, reply.raw, () => done()))
  await app.register(cors, {
    origin: [...origins],
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type'],
    exposedHeaders: ['retry-after', 'x-request-id'],
    maxAge: 600,
    strictPreflight: false,
  })
  app.addHook('onRequest', async (_request, reply) => {
    // Answers carry tokens and people's data: no cache between here and the app may keep one (RFC 6749 §5.1).
    reply.header('cache-control', 'no-store')
  })
})
