import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually, freePort } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { prometheus, unpackDebian } from '../../src/debian-package.js'
import { serviceNames } from '../../src/env.js'
import { cacheDir, root } from '../../src/places.js'
import { startTethered } from '../../src/tether.js'
import { password } from '../journey/journey.js'
import { production, someoneSignedUp } from './production.js'

const run = promisify(execFile)
const observability = join(root, 'deploy/observability')
const program = await unpackDebian(prometheus, cacheDir(t.testdirName))
/** Elsewhere a machine without Debian's packages may do without. */
const absent =
  program === undefined &&
  process.env['CI'] === undefined &&
  'there is no Prometheus here, and its package cannot be had'

async function promtool(...args: string[]): Promise<string> {
  const tool = (program?.command ?? 'prometheus').replace(/prometheus$/, 'promtool')
  const cwd = join(observability, 'prometheus')
  return run(tool, args, { cwd, env: { ...program?.env } }).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => Promise.reject(new Error(`${stdout}\n${stderr}`)),
  )
}

t.test('Prometheus takes its configuration and its rules', { skip: absent }, async (t) => {
  t.match(await promtool('check', 'config', '--syntax-only', 'prometheus.yml'), 'SUCCESS')
  t.match(await promtool('check', 'rules', 'rules/latchkey.yml'), 'SUCCESS')
})

t.test('every alert fires at its fault, and is quiet before', { skip: absent }, async (t) => {
  const alerts = readFileSync(join(observability, 'prometheus/rules/latchkey.yml'), 'utf8').matchAll(/alert: (\w+)/g)
  const tests = readFileSync(join(observability, 'prometheus/rules.test.yml'), 'utf8')
  for (const [, alert = ''] of alerts) t.match(tests, `- name: ${alert}\n`, alert)
  t.match(await promtool('test', 'rules', 'rules.test.yml'), 'SUCCESS')
})

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const folder = join(observability, 'grafana/dashboards')
const panels = readdirSync(folder).flatMap((file) => {
  const { title, panels } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { title: string; panels: Panel[] }
  return panels.flatMap((panel) =>
    (panel.targets ?? []).map(({ expr }) => ({ panel: `${title}, ${panel.title}`, expr })),
  )
})

/** What there is to see only where something is wrong, or was set. */
const emptyWhereAllIsWell = [
  /latchkey_check == 0/,
  /status=~"5\.\./,
  /latchkey_redis_memory_max_bytes > 0/,
  /latchkey_switched/,
  /latchkey_inbound_messages_total/,
]

/** Prometheus with our rules, looking at these every second. */
async function startPrometheus(t: Test, targets: Readonly<Record<string, string>>) {
  const dir = t.testdir({})
  mkdirSync(join(dir, 'rules'))
  cpSync(join(observability, 'prometheus/rules'), join(dir, 'rules'), { recursive: true })
  const jobs = Object.entries(targets).map(
    ([job, url]) => `  - job_name: ${job}\n    static_configs:\n      - targets: ['${new URL(url).host}']\n`,
  )
  const times = 'global:\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  evaluation_interval: 1s\n'
  writeFileSync(
    join(dir, 'prometheus.yml'),
    `${times}rule_files: ['${dir}/rules/*.yml']\nscrape_configs:\n${jobs.join('')}`,
  )
  const port = await freePort()
  const server = await startTethered({
    command: program?.command ?? '',
    args: [
      `--config.file=${dir}/prometheus.yml`,
      `--storage.tsdb.path=${dir}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    env: { ...program?.env },
    output: openSync(join(dir, 'log'), 'a'),
    ifOrphaned: 'SIGKILL',
  })
  t.teardown(() => server.stop('SIGTERM', 3_000))
  const url = `http://127.0.0.1:${port}`
  await eventually('Prometheus', async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true)
  return async (query: string) => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`)
    const body = (await answer.json()) as { error?: string; data?: { result: unknown[] } }
    return body.error ?? body.data?.result ?? []
  }
}

t.test(
  'Prometheus sees in running services what dashboards, alerts and documents speak of',
  { skip: absent },
  async (t) => {
    const on = await production(t, {
      env: { SMS_DAY_BUDGET: '50', SMS_PRICES: 'twilio * 0.05 USD', SMS_PACE: 'twilio 500' },
    })
    const { phone } = await someoneSignedUp(on)
    t.match(await on.call('POST', '/v1/login', { identifier: phone, password }), { status: 200 })
    t.match(await on.call('POST', '/v1/login', { identifier: phone, password: 'not it' }), { status: 401 })
    const ask = await startPrometheus(t, on.stack.opsUrls)

    const scrapes = await Promise.all(
      serviceNames.map(async (name) => (await fetch(`${on.stack.opsUrls[name]}/metrics`)).text()),
    )
    const told = new Set(scrapes.flatMap((text) => [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)))
    const texts = [
      ...readdirSync(folder).map((file) => join(folder, file)),
      join(observability, 'prometheus/rules/latchkey.yml'),
      ...['operations.md', 'metrics.md', 'security.md'].map((file) => join(root, 'docs', file)),
    ].map((file) => readFileSync(file, 'utf8'))
    const named = texts.flatMap(
      (text) => text.match(/(?<![:\w])(?:latchkey|nodejs|process)_[a-z\d_]+[a-z\d](?![\w*…])/g) ?? [],
    )
    t.ok(new Set(named).size > 40)
    const missing = named.filter((name) => !told.has(name) && !told.has(name.replace(/_(?:bucket|count|sum)$/, '')))
    t.strictSame([...new Set(missing)], [], 'no process tells these')

    for (const { panel, expr } of panels) {
      if (emptyWhereAllIsWell.some((empty) => empty.test(expr))) {
        t.type(await ask(expr), Array, panel)
        continue
      }
      await eventually(`${panel}: ${expr}`, async () => (await ask(expr)).length > 0, 60_000)
    }
    t.strictSame(await ask('ALERTS{alertstate="firing"}'), [], 'nothing wakes anybody')
  },
)
