import { randomUUID } from 'node:crypto'
import { createHttp } from '@latchkey/kit/http'
import { traceRequests } from '@latchkey/kit/tracing'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { CarrierDesk } from './receipts/carrier-desk.js'
import { carrierRoutes } from './receipts/carrier-routes.js'

interface AppNeeds {
  readonly desk: CarrierDesk
  readonly log: Logger
  readonly metrics: Registry
}

/** What carriers may call. */
export function buildApp({ desk, log, metrics }: AppNeeds): FastifyInstance {
  const app = createHttp({ log, metrics, requestId: () => randomUUID(), answerWithinMs: 2_000 })
  traceRequests(app, { believes: false })
  void app.register(carrierRoutes, { desk })
  return app
}
