import { randomUUID } from 'node:crypto'
import type { MessageLanguages } from '@latchkey/contracts/v1/languages'
import { createHttp } from '@latchkey/kit/http'
import { traceRequests } from '@latchkey/kit/tracing'
import type { FastifyInstance } from 'fastify'
import type { Key } from '@latchkey/kit/key-ring'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { AccessKeys } from './access-token.js'
import type { ChallengePolicy } from './flows/policy.js'
import type { FaceOptions } from './flows/face.js'
import type { Flows } from './flows/flows.js'
import { admin } from './http/admin/admin.js'
import { type DevDeps, dev } from './http/dev/dev.js'
import { mountDialect } from './http/mount-dialect.js'
import type { MountedDialect } from './http/dialects.js'
import { accessToken } from './http/plugins/access-token.js'
import { caller } from './http/plugins/caller.js'
import { entrySender, pages, type PagesOptions } from './http/pages.js'
import { docs, home, signposts } from './http/plugins/docs.js'
import { rateLimit, type RateLimits } from './http/plugins/rate-limit.js'
import { securityHeaders } from './http/plugins/security-headers.js'
import { about, v1 } from './http/v1/v1.js'
import { wellKnown } from './http/well-known.js'

export interface AppDeps {
  readonly flows: Flows
  readonly accessKeys: AccessKeys
  readonly accessToken: { readonly issuer: string; readonly lifeSeconds: number }
  /** Of /v1. */
  readonly policy: ChallengePolicy
  /** The documented APIs that are spoken here, and what all of them are given. */
  readonly dialects: readonly MountedDialect[]
  readonly faces: Pick<FaceOptions, 'callingCode' | 'userKey'>
  /** Hashes who calls. */
  readonly clientKey: Key
  readonly limits: RateLimits
  /** The languages of messages. */
  readonly languages: MessageLanguages
  readonly trustProxy: string[]
  readonly corsOrigins: string[]
  /** Does work so that whatever it leads to knows which request it is for. */
  readonly duringRequest: (about: { readonly requestId: string; readonly route: string }, work: () => void) => void
  /** Hosted pages, where they are served. */
  readonly pages?: PagesOptions
  /** Development only. */
  readonly dev?: Omit<DevDeps, 'built'>
  readonly log: Logger
  readonly metrics: Registry
}

/** The whole HTTP face. Reads no environment, opens no socket: what it needs is handed in. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { log, metrics, flows, policy, dialects } = deps
  // A caller's own request id is not taken over: it would let a stranger write into our logs.
  const app = createHttp({
    log,
    metrics,
    trustProxy: deps.trustProxy.length > 0 && deps.trustProxy,
    answerWithinMs: 1_900,
    requestId: () => randomUUID(),
  })
  traceRequests(app, { believes: false })
  await app.register(securityHeaders, { origins: deps.corsOrigins })
  await app.register(rateLimit, deps.limits)
  await app.register(accessToken, { keys: deps.accessKeys, ...deps.accessToken })
  await app.register(caller, { clientKey: deps.clientKey, exempt: deps.limits.exempt, languages: deps.languages })

  // Behind the body, whose events belong to the connection and would lose it.
  app.addHook('preHandler', ({ id, method, routeOptions }, _reply, done) =>
    deps.duringRequest({ requestId: id, route: `${method} ${routeOptions.url ?? ''}`.slice(0, 128) }, done),
  )

  await app.register(signposts)
  const built = deps.pages && { ...deps.pages, sendEntry: entrySender(deps.pages) }
  if (built === undefined) await app.register(home)
  else await app.register(pages, built)
  await app.register(async (scope) => {
    const others = dialects.map(({ name, title }) => ({ name: title, url: `/${name}/openapi.json` }))
    await scope.register(docs, { ...about, others })
    await scope.register(wellKnown, { jwks: deps.accessKeys.jwks })
    await scope.register(v1, { prefix: '/v1', flows, policy })
    await scope.register(admin, { prefix: '/v1', flows })
    if (deps.dev !== undefined) await scope.register(dev, { prefix: '/dev', ...deps.dev, built })
  })
  for (const dialect of dialects) await mountDialect(app, dialect, { flows, ...deps.faces })
  return app
}
