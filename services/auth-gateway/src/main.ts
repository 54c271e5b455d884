import { closeHttp, listenHost } from '@latchkey/kit/http'
import { createLog } from '@latchkey/kit/log'
import { createMetrics } from '@latchkey/kit/ops'
import { configure, run } from '@latchkey/kit/run'
import { openTracing } from '@latchkey/kit/tracing'
import { buildApp } from './app.js'
import { loadGatewayConfig } from './config.js'
import { createDeps } from './deps.js'

const config = configure(() => loadGatewayConfig(process.env))
const log = createLog('auth-gateway', config.LOG_LEVEL)

await run(log, async (scope) => {
  const metrics = createMetrics('auth-gateway')
  await openTracing({ collector: config.OTEL_EXPORTER_OTLP_ENDPOINT, service: 'auth-gateway' }, scope)
  const deps = await createDeps(config, { scope, log, metrics })
  const app = await buildApp({ ...deps, log, metrics })
  scope.defer('http', () => closeHttp(app))
  await app.listen({ port: config.GATEWAY_PORT, host: listenHost(config.NODE_ENV) })
})
