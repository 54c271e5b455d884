import type { FastifyPluginAsync } from 'fastify'
import { Type } from 'typebox'
import type { AccessKeys } from '../access-token.js'

const jwkSet = {
  description: 'A JWK set',
  content: {
    'application/jwk-set+json': {
      schema: Type.Object({ keys: Type.Array(Type.Object({}, { additionalProperties: true })) }),
    },
  },
}

/** Public keys, for back ends that check access tokens themselves (RFC 7517). */
export const wellKnown: FastifyPluginAsync<{ jwks: AccessKeys['jwks'] }> = async (app, { jwks }) => {
  app.get(
    '/.well-known/jwks.json',
    { schema: { summary: 'Public keys of access tokens', tags: ['session'], response: { 200: jwkSet } } },
    async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').type('application/jwk-set+json').send(JSON.stringify(jwks)),
  )
}
