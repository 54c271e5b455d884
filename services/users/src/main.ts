import { configure, run } from '@latchkey/kit/run'
import { loadConfig } from '@latchkey/kit/config'
import { closeHttp, listenHost } from '@latchkey/kit/http'
import { createLog } from '@latchkey/kit/log'
import { createMetrics, startOps } from '@latchkey/kit/ops'
import { buildApp } from './app.js'
import { UsersConfig, usersRules } from './config.js'
import { createDeps } from './deps.js'

const config = configure(() => loadConfig(UsersConfig, process.env, usersRules))
const log = createLog('users', config.LOG_LEVEL)
const metrics = createMetrics('users')

await run(log, async (scope) => {
  const { services, checks, notes, start } = createDeps(config, { log, scope, metrics })
  const ops = await startOps({
    host: listenHost(config.NODE_ENV),
    port: config.USERS_OPS_PORT,
    log,
    metrics,
    checks,
    notes,
    started: scope.started,
  })
  scope.defer('ops', () => ops.close())
  start()
  const app = buildApp(services, { internalSecret: config.INTERNAL_SECRET, log, metrics })
  // Opened last, so closed first: what is in flight still has its stores.
  scope.defer('http', () => closeHttp(app))
  await app.listen({ port: config.USERS_PORT, host: listenHost(config.NODE_ENV) })
})
