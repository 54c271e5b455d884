import { configure, run, type Scope } from '@latchkey/kit/run'
import { openTracing } from '@latchkey/kit/tracing'
import { loadConfig } from '@latchkey/kit/config'
import { closeHttp, listenHost } from '@latchkey/kit/http'
import { createLog } from '@latchkey/kit/log'
import { createMetrics, startOps } from '@latchkey/kit/ops'
import { buildApp } from './app.js'
import { UsersConfig, usersRules } from './config.js'
import { createDeps } from './deps.js'
import { migrateWhenPossible } from './migrations/index.js'

const config = configure(() => loadConfig(UsersConfig, process.env, usersRules))
const log = createLog('users', config.LOG_LEVEL)
const metrics = createMetrics('users')

/** A job of a deployment brings the schema up to date before the replicas of a release start, and ends. */
const onlyMigrates = process.argv[2] === 'migrate'
if (onlyMigrates)
  await migrateWhenPossible(config.DATABASE_DIRECT_URL ?? config.DATABASE_URL, {
    log,
    signal: new AbortController().signal,
  })
else await run(log, serve)

async function serve(scope: Scope): Promise<void> {
  await openTracing({ collector: config.OTEL_EXPORTER_OTLP_ENDPOINT, service: 'users' }, scope)
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
}
