import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { checkout } from '../src/checkout.js'
import { dashboardJson } from '../src/dashboards/panels.js'
import { dashboards } from '../src/generated.js'
import { anchorsOf } from '../src/links.js'
import { declaredMetrics } from '../src/metrics.js'
import { selectorsOf } from '../src/promql.js'

interface Rule {
  readonly alert?: string
  readonly record?: string
  readonly expr: string
  readonly labels?: { readonly severity?: string }
  readonly annotations?: { readonly summary?: string; readonly runbook_url?: string }
}

const read = (file: string) => readFileSync(join(checkout, file), 'utf8')
const { groups } = parse(read('deploy/observability/prometheus/rules/latchkey.yml')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)
const alerts = rules.filter((rule) => rule.alert !== undefined)
const operations = read('docs/operations.md')

/** What is told of every process, and of Prometheus' own look at it. */
const others: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', []],
  ['nodejs_eventloop_lag_p99_seconds', []],
  ['process_cpu_seconds_total', []],
  ['process_resident_memory_bytes', []],
])
const everywhere = ['service', 'job', 'instance', 'le']

t.test('dashboards and rules ask for metrics that there are, by labels that they have', async (t) => {
  const metrics = declaredMetrics()
  const known = new Map([...others, ...metrics.map(({ name, labels }) => [name, labels] as const)])
  for (const { name, kind, labels } of metrics.filter((metric) => metric.kind === 'Histogram'))
    for (const end of ['bucket', 'count', 'sum']) known.set(`${name}_${end}`, kind === 'Histogram' ? labels : [])
  // A rule has the labels it groups by.
  for (const { record, expr } of rules)
    if (record !== undefined) known.set(record, /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [])
  const queries = [
    ...rules.map(({ alert, record, expr }) => ({ where: alert ?? record ?? '', expr })),
    ...dashboards.flatMap(({ title, rows }) =>
      rows.flatMap(({ panels }) =>
        panels.flatMap((panel) => panel.queries.map(({ expr }) => ({ where: title, expr }))),
      ),
    ),
  ]
  for (const { where, expr } of queries)
    for (const { name, labels } of selectorsOf(expr)) {
      t.ok(known.has(name), `${where}: ${name}`)
      const strange = labels.filter((label) => !everywhere.includes(label) && !known.get(name)?.includes(label))
      t.strictSame(strange, [], `${where}: labels of ${name}`)
    }
})

t.test('the documents speak of metrics that there are', async (t) => {
  const known = new Set(declaredMetrics().map(({ name }) => name))
  const named = ['operations.md', 'security.md'].flatMap(
    (file) => read(`docs/${file}`).match(/(?<![:\w])latchkey_[a-z\d_]+[a-z\d](?![\w*…])/g) ?? [],
  )
  t.strictSame(
    [...new Set(named)].filter((name) => !known.has(name)),
    [],
  )
})

t.test('every alert says what is wrong, how bad it is, and leads to its runbook', async (t) => {
  const anchors = anchorsOf(operations)
  t.ok(alerts.length > 30)
  for (const { alert = '', labels, annotations } of alerts) {
    t.match(labels?.severity, /^(page|ticket)$/, alert)
    t.ok((annotations?.summary ?? '').length > 20, alert)
    t.equal(annotations?.runbook_url, `docs/operations.md#${alert.toLowerCase()}`)
    t.ok(anchors.has(alert.toLowerCase()), `${alert} has a runbook`)
  }
})

t.test('Grafana finds the dashboards and the Prometheus that they ask', async (t) => {
  const folder = 'deploy/observability/grafana/provisioning'
  const { datasources } = parse(read(`${folder}/datasources/prometheus.yml`)) as {
    datasources: { uid: string; url: string }[]
  }
  const { providers } = parse(read(`${folder}/dashboards/latchkey.yml`)) as {
    providers: { options: { path: string } }[]
  }
  const compose = read('docker-compose.yml')
  t.match(compose, `./deploy/observability/grafana/dashboards:${providers[0]?.options.path}:ro`)
  t.match(datasources[0]?.url, 'http://prometheus:9090')
  for (const dashboard of dashboards) t.match(dashboardJson(dashboard), `"uid": "${datasources[0]?.uid}"`)
})

/** The faults that the slow tests make happen. */
const faults = [
  'Redis away',
  'Redis frozen',
  'Redis lost data',
  'Redis policy changed',
  'Redis out of memory',
  'Postgres away',
  'Postgres pool exhausted, a locked table',
  'users away',
  'users slow',
  'worker away',
  'a carrier hangs, resets, answers garbage',
  'a carrier asks for less',
  'wrong credentials',
  'numbers refused',
  'codes outlive their time',
  'used codes come back',
  'dead letters',
  'the money of the day',
  'a range is cut',
  'no receipts',
  'events pile up',
]

t.test('each fault of a bad day has a metric, an alert and a runbook', async (t) => {
  const table = new Map(
    [...operations.matchAll(/^\| ([^|`]+) \| (`latchkey_[^|]+|`up[^|]+) \| (\[`Latchkey[^|]+) \|$/gm)].map(
      ([, fault = '', metrics = '', names = '']) => [fault.trim(), { metrics, names }],
    ),
  )
  const known = new Set(['up', ...declaredMetrics().map(({ name }) => name)])
  const alerting = new Set(alerts.map(({ alert }) => alert))
  t.strictSame([...table.keys()].sort(), [...faults].sort())
  for (const [fault, { metrics, names }] of table) {
    for (const [, name = ''] of metrics.matchAll(/`(\w+)/g)) t.ok(known.has(name), `${fault}: ${name}`)
    for (const [, name, anchor] of names.matchAll(/\[`(\w+)`\]\(#(\w+)\)/g)) {
      t.ok(alerting.has(name), `${fault}: ${name}`)
      t.equal(anchor, name?.toLowerCase())
    }
  }
})
