import type { MessageLanguages } from '@latchkey/contracts/v1/languages'
import { hmac, type Key } from '@latchkey/kit/key-ring'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import Negotiator from 'negotiator'
import type { Caller, Client, FaceCaller, SignedInCaller } from '../../flows/ports.js'
import { addressOf, isExempt, networkOf, type RateLimits, subnetOf } from './rate-limit.js'

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

const longestAgent = 256

/** All of a request that a flow may see. `clientKey` keeps addresses and programs out of what is stored about them. */
export const caller = fp<{ clientKey: Key; exempt: RateLimits['exempt']; languages: MessageLanguages }>(
  async function callerPlugin(app, { clientKey, exempt, languages }) {
    app.decorateRequest('caller', function (this: FastifyRequest, face: string) {
      const address = addressOf(this)
      const agent = agentOf(this.headers['user-agent'])
      return {
        requestId: this.id,
        face,
        locale: localeOf(this.headers['accept-language'], languages),
        ...(!isExempt(address, exempt) && {
          guesser: networkName(clientKey, address),
          subnet: nameOf(clientKey, 'subnet', subnetOf(address)),
        }),
        ...(agent !== undefined && { userAgent: agent }),
      }
    })
    app.decorateRequest('signedIn', async function (this: FastifyRequest, face: string) {
      return { ...this.caller(face), ...(await this.accessClaims(face)) }
    })
    app.decorateRequest('faceCaller', async function (this: FastifyRequest, face: string) {
      const callers = { ...this.caller(face), client: clientOf(this, clientKey) }
      if (this.headers.authorization === undefined) return callers
      const claims = await this.accessClaims(face).catch(() => undefined)
      return claims === undefined ? callers : { ...callers, ...claims }
    })
  },
)

function clientOf(request: FastifyRequest, key: Key): Client {
  const address = addressOf(request)
  const agent = request.headers['user-agent'] ?? ''
  return { network: networkName(key, address), key: nameOf(key, 'client', networkOf(address), agent) }
}

const networkName = (key: Key, address: string): string => nameOf(key, 'network', networkOf(address))

const nameOf = (key: Key, ...parts: string[]): string =>
  hmac(key, ...parts)
    .subarray(0, 16)
    .toString('base64url')

/** Node reads headers as Latin-1; what is not ASCII names no program, and would not go into a header again. */
function agentOf(header: string | undefined): string | undefined {
  const text = header?.slice(0, longestAgent).replace(/[^\x20-\x7e]/g, '')
  return text === '' ? undefined : text
}

/** The language of those we speak that the caller likes best; none where he likes any, or none of them. */
function localeOf(header: string | undefined, languages: MessageLanguages): string {
  const named = header?.split(',').filter((range) => !range.trimStart().startsWith('*'))
  if (named === undefined || named.length === 0) return ''
  return new Negotiator({ headers: { 'accept-language': named.join(',') } }).language([...languages]) ?? ''
}
