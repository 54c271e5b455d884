import type { FastifyPluginAsync } from 'fastify'
import type { AccessKeys } from '../access-token.js'

/** Public keys, for back ends that check access tokens themselves (RFC 7517). */
export const wellKnown: FastifyPluginAsync<{ jwks: AccessKeys['jwks'] }> = async (app, { jwks }) => {
  app.get(
    '/.well-known/jwks.json',
    { schema: { summary: 'Public keys of access tokens', tags: ['session'] } },
    async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').type('application/jwk-set+json').send(JSON.stringify(jwks)),
  )
}
