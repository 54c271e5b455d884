import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Node, parseSync, Visitor } from 'oxc-parser'
import { checkout } from './checkout.js'

export interface Metric {
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly kind: 'Counter' | 'Gauge' | 'Histogram'
  /** The folders whose processes tell it: a service, or kit for all of them. */
  readonly by: string
}

const homes = ['services/auth-gateway', 'services/users', 'services/sms-worker', 'libs/kit']

/** Every metric of ours, as it is made in the sources: `new Counter({ name: 'latchkey_…', help: '…', labelNames: […] })`. */
export function declaredMetrics(): Metric[] {
  return homes
    .flatMap((home) =>
      readdirSync(join(checkout, home, 'src'), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .flatMap((file) => metricsIn(join(checkout, home, 'src', file), home.split('/')[1] as string)),
    )
    .toSorted((a, b) => a.name.localeCompare(b.name) || a.by.localeCompare(b.by))
}

function metricsIn(file: string, by: string): Metric[] {
  const found: Metric[] = []
  const source = readFileSync(file, 'utf8')
  if (!source.includes("'latchkey_")) return found
  const read = (argument: Node | undefined, maker: string) => {
    if (argument?.type !== 'ObjectExpression') return
    const values = new Map(
      argument.properties.flatMap((property) =>
        property.type === 'Property' && property.key.type === 'Identifier' ? [[property.key.name, property.value]] : [],
      ),
    )
    const [name, help, labels] = ['name', 'help', 'labelNames'].map((key) => values.get(key))
    if (name?.type !== 'Literal' || help?.type !== 'Literal' || !String(name.value).startsWith('latchkey_')) return
    const kind = maker === 'Counter' || maker === 'Histogram' ? maker : 'Gauge'
    found.push({ name: String(name.value), help: String(help.value), labels: stringsIn(labels), kind, by })
  }
  new Visitor({
    NewExpression({ callee, arguments: [first] }) {
      if (callee.type === 'Identifier') read(first, callee.name)
    },
    // A gauge that a function of ours makes.
    CallExpression({ callee, arguments: [first] }) {
      if (callee.type === 'Identifier') read(first, 'Gauge')
    },
  }).visit(parseSync(file, source).program)
  return found
}

const stringsIn = (node: Node | undefined): string[] =>
  node?.type === 'ArrayExpression'
    ? node.elements.flatMap((element) => (element?.type === 'Literal' ? [String(element.value)] : []))
    : []

const speakers: Readonly<Record<string, string>> = {
  kit: 'all three',
  'auth-gateway': 'gateway',
  'sms-worker': 'worker',
}

const head = `# Metrics

Every metric of Latchkey itself. All carry the label \`service\`; every process also tells its CPU, memory and event-loop lag
(\`process_…\`, \`nodejs_…\`). What to look at first, and what to do: [operations](operations.md#metrics).

Generated from the sources by \`npm run docs\`: edit the \`help\` of a metric, not this page.

| metric | by | kind | means |
|---|---|---|---|`

/** docs/metrics.md: one line a metric. */
export function metricsDocument(): string {
  const lines = merged(declaredMetrics()).map(({ name, labels, kind, by, help }) => {
    const shape = labels.length === 0 ? '' : `{${labels.join(',')}}`
    return `| \`${name}${shape}\` | ${by} | ${kind.toLowerCase()} | ${help} |`
  })
  return `${[head, ...lines].join('\n')}\n`
}

/** One that two services tell is one line. */
function merged(metrics: readonly Metric[]): Metric[] {
  const firsts = new Map(metrics.toReversed().map((metric) => [metric.name, metric]))
  const tellers = (wanted: string) => metrics.filter(({ name }) => name === wanted).map(({ by }) => speakers[by] ?? by)
  return [...firsts.values()].toReversed().map((metric) => ({ ...metric, by: tellers(metric.name).join(', ') }))
}
