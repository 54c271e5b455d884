import { pino } from 'pino'
import { Registry } from 'prom-client'
import t from 'tap'
import { createHttp } from '../src/http.js'
import { isTracing, openTracing, traceHeaders, traceRequests } from '../src/tracing.js'

t.test('without a collector nothing is traced: no step to close, no hook, no header', async (t) => {
  await openTracing({ collector: undefined, service: 'test' }, { defer: () => t.fail('something was opened') })
  t.equal(isTracing(), false)
  const app = createHttp({ log: pino({ level: 'silent' }), metrics: new Registry(), requestId: () => 'r' })
  traceRequests(app, { believes: true })
  app.get('/', async () => traceHeaders())
  t.same(
    (await app.inject({ url: '/', headers: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } })).json(),
    {},
  )
})
