import fp from 'fastify-plugin'
import type { FastifyRequest } from 'fastify'
import type { Caller, SignedInCaller } from '../../flows/ports.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, for flows, as the face says. */
    caller(face: string): Caller
    /** The same with the session of a good access token of this face. Throws `token.invalid`. */
    signedIn(face: string): Promise<SignedInCaller>
  }
}

/** All of a request that a flow may see. */
export const caller = fp(async function callerPlugin(app) {
  app.decorateRequest('caller', function (this: FastifyRequest, face: string) {
    return { requestId: this.id, face, locale: localeOf(this.headers['accept-language']) }
  })
  app.decorateRequest('signedIn', async function (this: FastifyRequest, face: string) {
    return { ...this.caller(face), ...(await this.accessClaims(face)) }
  })
})

/** The first language the browser names, without its region. */
function localeOf(header: string | undefined): string {
  return /^[a-z]{2}\b/i.exec(header ?? '')?.[0].toLowerCase() ?? 'en'
}
