import { closeHttp, listenHost } from '@latchkey/kit/http'
import { createLog } from '@latchkey/kit/log'
import { createMetrics, startOps } from '@latchkey/kit/ops'
import { configure, run } from '@latchkey/kit/run'
import { openTracing } from '@latchkey/kit/tracing'
import { buildApp } from './app.js'
import { loadWorkerConfig } from './config.js'
import { createDeps } from './deps.js'

const config = configure(() => loadWorkerConfig(process.env))
const log = createLog('sms-worker', config.LOG_LEVEL)

await run(log, async (scope) => {
  const metrics = createMetrics('sms-worker')
  await openTracing({ collector: config.OTEL_EXPORTER_OTLP_ENDPOINT, service: 'sms-worker' }, scope)
  const host = listenHost(config.NODE_ENV)
  const { board, checks, consumer, desk } = createDeps(config, { scope, log, metrics })
  const app = buildApp({ desk, log, metrics })
  scope.defer('http', () => closeHttp(app))
  await app.listen({ port: config.WORKER_PORT, host })
  const ops = await startOps({
    port: config.WORKER_OPS_PORT,
    host,
    log,
    metrics,
    checks,
    started: scope.started,
    ...(board !== undefined && { more: board }),
  })
  scope.defer('ops', () => ops.close())
  // Opened last, so closed first: sends in flight still have their stores.
  scope.defer('sms consumer', () => consumer.close())
  consumer.start()
})
