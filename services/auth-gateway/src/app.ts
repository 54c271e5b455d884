import { randomUUID } from 'node:crypto'
import { createHttp } from '@latchkey/kit/http'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { AccessKeys } from './access-token.js'
import type { ChallengePolicy } from './flows/policy.js'
import type { Flows } from './flows/flows.js'
import { type DevDeps, dev } from './http/dev/dev.js'
import { accessToken } from './http/plugins/access-token.js'
import { caller } from './http/plugins/caller.js'
import { docs } from './http/plugins/docs.js'
import { rateLimit, type RateLimits } from './http/plugins/rate-limit.js'
import { securityHeaders } from './http/plugins/security-headers.js'
import { challenges } from './http/v1/challenges.js'
import { login } from './http/v1/login.js'
import { me } from './http/v1/me.js'
import { session } from './http/v1/session.js'
import { signUp } from './http/v1/sign-up.js'
import { wellKnown } from './http/well-known.js'

export interface AppDeps {
  readonly flows: Flows
  readonly accessKeys: AccessKeys
  readonly accessToken: { readonly issuer: string; readonly lifeSeconds: number }
  readonly policy: ChallengePolicy
  readonly limits: RateLimits
  readonly trustProxy: string[]
  readonly corsOrigins: string[]
  /** Development only. */
  readonly dev?: DevDeps
  readonly log: Logger
  readonly metrics: Registry
}

/** The whole HTTP face. Reads no environment, opens no socket: what it needs is handed in. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { log, metrics, flows, policy } = deps
  // A caller's own request id is not taken over: it would let a stranger write into our logs.
  const app = createHttp({
    log,
    metrics,
    trustProxy: deps.trustProxy.length > 0 && deps.trustProxy,
    answerWithinMs: 1_900,
    requestId: () => randomUUID(),
  })
  await app.register(securityHeaders, { origins: deps.corsOrigins })
  await app.register(rateLimit, deps.limits)
  await app.register(docs)
  await app.register(accessToken, { keys: deps.accessKeys, ...deps.accessToken })
  await app.register(caller)

  await app.register(wellKnown, { jwks: deps.accessKeys.jwks })
  await app.register(
    async (v1) => {
      await v1.register(signUp, { flows, policy })
      await v1.register(login, { flows, policy })
      await v1.register(challenges, { flows, policy })
      await v1.register(session, { flows })
      await v1.register(me, { flows })
    },
    { prefix: '/v1' },
  )
  if (deps.dev !== undefined) await app.register(dev, { prefix: '/dev', ...deps.dev })
  return app
}
