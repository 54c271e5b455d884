import { hmac, type Key } from '@latchkey/kit/key-ring'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Caller, Client, FaceCaller, SignedInCaller } from '../../flows/ports.js'
import { addressOf, networkOf } from './rate-limit.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls, for flows, as the face says. */
    caller(face: string): Caller
    /** The same with the session of a good access token of this face. Throws `token.invalid`. */
    signedIn(face: string): Promise<SignedInCaller>
    /** The same with the client behind the request, and the account of a good access token where one was sent: a bad one counts as none. */
    faceCaller(face: string): Promise<FaceCaller>
  }
}

/** All of a request that a flow may see. `clientKey` keeps addresses and programs out of what is stored about them. */
export const caller = fp<{ clientKey: Key }>(async function callerPlugin(app, { clientKey }) {
  app.decorateRequest('caller', function (this: FastifyRequest, face: string) {
    return { requestId: this.id, face, locale: localeOf(this.headers['accept-language']) }
  })
  app.decorateRequest('signedIn', async function (this: FastifyRequest, face: string) {
    return { ...this.caller(face), ...(await this.accessClaims(face)) }
  })
  app.decorateRequest('faceCaller', async function (this: FastifyRequest, face: string) {
    const callers = { ...this.caller(face), client: clientOf(this, clientKey) }
    if (this.headers.authorization === undefined) return callers
    const claims = await this.accessClaims(face).catch(() => undefined)
    return claims === undefined ? callers : { ...callers, userId: claims.userId }
  })
})

function clientOf(request: FastifyRequest, key: Key): Client {
  const network = networkOf(addressOf(request))
  const name = (...parts: string[]) =>
    hmac(key, ...parts)
      .subarray(0, 16)
      .toString('base64url')
  return { network: name('network', network), key: name('client', network, request.headers['user-agent'] ?? '') }
}

/** The first language the browser names, without its region. */
function localeOf(header: string | undefined): string {
  return /^[a-z]{2}\b/i.exec(header ?? '')?.[0].toLowerCase() ?? 'en'
}
