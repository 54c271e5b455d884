import { type FastifyPluginAsync, fastify, LogController } from 'fastify'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** Undefined when well; else a sentence that says what is wrong. */
export type Check = () => Promise<string | undefined>

/** At the 10 ms of the library, looking at the lag of the event loop is most of what an idle process does. */
const lagEveryMs = 50

/** A registry with the process's own figures (CPU, memory, event-loop lag). */
export function createMetrics(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: lagEveryMs })
  return registry
}

interface OpsOptions {
  readonly host: string
  readonly port: number
  readonly log: Logger
  readonly metrics: Registry
  readonly checks: Readonly<Record<string, Check>>
  /** Told by `/ready` without turning it red: what most of the work goes on without. */
  readonly notes?: Readonly<Record<string, Check>>
  /** False while the service does not listen yet, or no more. */
  readonly started: () => boolean
  /** What else operators find there. */
  readonly more?: FastifyPluginAsync
}

/** Serves `/live` (the process runs), `/ready` (it can do its work; says what is missing) and `/metrics` on a port of their own. */
export async function startOps({
  host,
  port,
  log,
  metrics,
  checks,
  notes = {},
  started,
  more,
}: OpsOptions): Promise<{ close(): Promise<void> }> {
  tellChecks(metrics, { ...notes, ...checks })
  const app = fastify({
    forceCloseConnections: true,
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
  })
  app.get('/live', async () => ({ live: true }))
  app.get('/ready', async (_request, reply) => {
    const [found, noted] = await Promise.all([look(checks), look(notes)])
    const problems = started() ? found : { ...found, start: 'is not through, or the end has begun' }
    const ready = Object.keys(problems).length === 0
    return reply.code(ready ? 200 : 503).send({ ready, problems: { ...problems, ...noted } })
  })
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()))
  if (more !== undefined) await app.register(more)
  await app.listen({ port, host })
  return { close: () => app.close() }
}

/** What `/ready` says as figures: looked at with every scrape, so that they are as fresh as it is. */
function tellChecks(metrics: Registry, checks: OpsOptions['checks']): void {
  void new Gauge({
    name: 'latchkey_check',
    help: '1 where a check of `/ready` is content, 0 where it is not: a store is away, frozen, or not as it must be',
    labelNames: ['check'],
    registers: [metrics],
    async collect() {
      const found = await look(checks)
      for (const check of Object.keys(checks)) this.set({ check }, found[check] === undefined ? 1 : 0)
    },
  })
}

async function look(checks: OpsOptions['checks']): Promise<Record<string, string | undefined>> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await within(check, 1_500)] as const),
  )
  return Object.fromEntries(results.filter(([, problem]) => problem !== undefined))
}

async function within(check: Check, ms: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`did not answer within ${ms} ms`), ms)
  })
  try {
    return await Promise.race([check(), late])
  } catch {
    return 'failed'
  } finally {
    clearTimeout(timer)
  }
}
