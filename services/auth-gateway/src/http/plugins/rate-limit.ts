import fastifyRateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
import { AppError } from '@latchkey/kit/app-error'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import ipaddr from 'ipaddr.js'

export interface RateLimits {
  /** Where the counts live, for all gateways together. */
  readonly redis: RateLimitPluginOptions['redis']
  readonly perMinute: number
  readonly sendsPerMinute: number
  /** Networks that are not counted. */
  readonly exempt: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Route options for calls that make us send something: all such routes together have one limit per address. */
    readonly sendLimit: { readonly preHandler: (request: FastifyRequest) => Promise<void> }
  }
}

/** Limits per address, to protect the servers; what protects people and the bill is counted per phone, inside the flows. */
export const rateLimit = fp<RateLimits>(async function rateLimit(app, { redis, perMinute, sendsPerMinute, exempt }) {
  await app.register(fastifyRateLimit, {
    redis,
    nameSpace: 'lk:rate:',
    max: perMinute,
    timeWindow: 60_000,
    // Without Redis the flows answer 503 themselves, and those that need none go on.
    skipOnError: true,
    keyGenerator: (request) => networkOf(addressOf(request)),
    allowList: (request) => isExempt(addressOf(request), exempt),
    addHeadersOnExceeding: quiet,
    addHeaders: { ...quiet, 'retry-after': false },
    errorResponseBuilder: (_request, { ttl }) => tooMany(ttl),
  })
  const countSend = app.createRateLimit({
    max: sendsPerMinute,
    keyGenerator: (request) => `sends:${networkOf(addressOf(request))}`,
  })
  app.decorate('sendLimit', {
    preHandler: async (request: FastifyRequest) => {
      const counted = await countSend(request)
      if (!counted.isAllowed && counted.isExceeded) throw tooMany(counted.ttl)
    },
  })
})

const tooMany = (ttlMs: number) => new AppError('rate.limited', { retryAt: new Date(Date.now() + ttlMs) })

const quiet = { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false }

/** Whom a request is counted for. Some proxies write `ip:port`; what is no address at all is counted for the proxy itself. */
export function addressOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  const bare = /^\[(.+)\](?::\d+)?$/.exec(ip)?.[1] ?? /^([\d.]+):\d+$/.exec(ip)?.[1] ?? ip
  if (ipaddr.isValid(bare)) return bare
  return socket.remoteAddress ?? '0.0.0.0'
}

/** An IPv4 address, or the /64 of an IPv6 one: whoever has one address of it has them all. */
export function networkOf(ip: string): string {
  const address = ipaddr.process(ip)
  return address.kind() === 'ipv4' ? address.toString() : firstParts(address as ipaddr.IPv6, 4)
}

/** The addresses that one party has around one of his: the /24 of an IPv4 address, the /48 of an IPv6 one. */
export function subnetOf(ip: string): string {
  const address = ipaddr.process(ip)
  if (address.kind() === 'ipv6') return firstParts(address as ipaddr.IPv6, 3)
  return `${(address as ipaddr.IPv4).octets.slice(0, 3).join('.')}.0/24`
}

const firstParts = ({ parts }: ipaddr.IPv6, count: number): string =>
  `${parts
    .slice(0, count)
    .map((part) => part.toString(16))
    .join(':')}::/${count * 16}`

/** Whether limits per address do not count a caller. */
export function isExempt(ip: string, networks: RateLimits['exempt']): boolean {
  const address = ipaddr.process(ip)
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}
