import { randomUUID } from 'node:crypto'
import { createHttp } from '@latchkey/kit/http'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

/** What carriers may call. Receipts and inbound messages have no reader yet: everything is 404. */
export function buildApp({ log, metrics }: { log: Logger; metrics: Registry }): FastifyInstance {
  return createHttp({ log, metrics, requestId: () => randomUUID() })
}
