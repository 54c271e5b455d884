import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject'
import { Deployment } from 'kubernetes-models/apps/v1/Deployment'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler'
import { Job } from 'kubernetes-models/batch/v1/Job'
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress'
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget'
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap'
import { Namespace } from 'kubernetes-models/v1/Namespace'
import { Service } from 'kubernetes-models/v1/Service'
import t from 'tap'
import { checkout } from '../src/checkout.js'
import { build, type Manifest } from '../src/kustomize.js'
import { selectorsOf } from '../src/promql.js'
import { variablesOf } from '../src/variables.js'

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[]
  readonly env: readonly {
    readonly name: string
    readonly valueFrom?: { readonly secretKeyRef: { name: string; key: string } }
  }[]
  readonly [probe: `${string}Probe`]: { readonly httpGet: { readonly path: string; readonly port: string } } | undefined
  readonly securityContext: object
  readonly resources: object
}
interface PodSpec {
  readonly containers: readonly [Container]
  readonly securityContext: object
  readonly automountServiceAccountToken: boolean
}

const folder = join(checkout, 'deploy/k8s')
const production = build(join(folder, 'overlays/production'))
const services = ['auth-gateway', 'users', 'sms-worker'] as const
const of = (kind: string) => production.filter((manifest) => manifest.kind === kind)
function named(kind: string, name: string): Manifest {
  const found = of(kind).find(({ metadata }) => metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`)
  return found
}
const podOf = (manifest: Manifest) => {
  const { template } = manifest['spec'] as {
    template: { spec: PodSpec; metadata: { annotations?: Record<string, string> } }
  }
  return template
}
const keda = /^keda\.sh\//

/** By their OpenAPI. */
const models: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  ConfigMap,
  Deployment,
  HorizontalPodAutoscaler,
  Ingress,
  Job,
  Namespace,
  NetworkPolicy,
  PodDisruptionBudget,
  ScaledObject,
  Service,
}

t.test('every manifest is what Kubernetes and KEDA take, without a field that they do not know', async (t) => {
  for (const [where, manifests] of [
    ['base', build(join(folder, 'base'))],
    ['production', production],
  ] as const) {
    const sources = manifests.map((manifest, n) => {
      const { apiVersion, kind } = manifest
      const Model = models[kind]
      if (Model === undefined) throw new Error(`there is no ${kind}`)
      t.doesNotThrow(() => new Model(manifest as never).validate(), `${where}: ${kind} ${manifest.metadata.name}`)
      const module = `${keda.test(apiVersion) ? '@kubernetes-models/keda' : 'kubernetes-models'}/${apiVersion}/${kind}`
      return `import type { I${kind} as M${n} } from '${module}'\nexport const m${n}: M${n} = ${JSON.stringify(manifest, null, 2)}\n`
    })
    // The schemas let unknown fields through, and so does a cluster: types do not.
    const file = join(t.testdir({}), `${where}.ts`)
    writeFileSync(file, sources.join('\n'))
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--ignoreConfig']
    const { status, stdout } = spawnSync(join(checkout, 'node_modules/.bin/tsc'), [...options, file], {
      encoding: 'utf8',
    })
    t.equal(status, 0, stdout)
  }
})

t.test('every file under deploy/k8s is built from', async (t) => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'))
  for (const file of files.filter((each) => !each.endsWith('kustomization.yaml'))) {
    t.match(readFileSync(join(folder, dirname(file), 'kustomization.yaml'), 'utf8'), basename(file), file)
  }
})

/** Whether the configuration of a service can do without a variable: it is optional, or has a default. */
function required(service: string): string[] {
  const text = readFileSync(join(checkout, 'docs/operations.md'), 'utf8')
  const column = { 'auth-gateway': 1, users: 2, 'sms-worker': 3 }[service] ?? 0
  return text
    .split('\n')
    .filter((line) => /^\| `[A-Z_]+` \|/.test(line) && line.split('|').length >= 6)
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells[column + 1] === '●')
    .map((cells) => (cells[1] ?? '').replaceAll('`', ''))
}

t.test('every service is given what it requires, and nothing that it does not know', async (t) => {
  for (const service of services) {
    const [{ env, envFrom }] = podOf(named('Deployment', service)).spec.containers
    const maps = envFrom.map(({ configMapRef }) => named('ConfigMap', configMapRef.name))
    const plain = maps.flatMap((map) => Object.keys(map['data'] ?? {}))
    for (const { name, valueFrom } of env)
      t.strictSame(valueFrom?.secretKeyRef, { name: `latchkey-${service}`, key: name }, 'a secret by reference')
    const given = [...plain, ...env.map(({ name }) => name)]
    const known = variablesOf(service)
    t.strictSame(
      given.filter((name) => !known.has(name)),
      [],
      `${service} knows them`,
    )
    const needs = required(service)
    t.ok(needs.length >= 4, service)
    t.strictSame(
      needs.filter((name) => !given.includes(name)),
      [],
      `${service} has what it needs`,
    )
    for (const name of plain) t.notMatch(name, /KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL/, 'no secret in a config map')
  }
})

t.test('ports, probes and health are those of the services, which run as nobody special', async (t) => {
  const image = readFileSync(join(checkout, 'deploy/docker/Dockerfile'), 'utf8')
  const ops = readFileSync(join(checkout, 'libs/kit/src/ops.ts'), 'utf8')
  for (const service of services) {
    const { spec, metadata } = podOf(named('Deployment', service))
    const [container] = spec.containers
    const ports = container.ports?.map(({ containerPort }) => containerPort)
    t.match(image, new RegExp(`FROM service AS ${service}\\n(?:.+\\n)*EXPOSE ${ports?.join(' ')}\\n`))
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
      const { httpGet } = container[probe] ?? {}
      t.equal(httpGet?.port, 'ops')
      t.ok(ops.includes(`app.get('${httpGet?.path}'`), `${service} ${probe}`)
    }
    t.equal(metadata.annotations?.['prometheus.io/port'], String(ports?.[1]))
    for (const { spec: each } of [podOf(named('Deployment', service)), podOf(named('Job', 'migrate'))]) {
      t.match(each, { securityContext: { runAsNonRoot: true }, automountServiceAccountToken: false })
      t.match(each.containers[0], {
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        resources: { requests: {}, limits: {} },
      })
    }
    t.ok(named('PodDisruptionBudget', service), service)
    t.ok(named('Service', service), service)
  }
})

t.test('only the gateway reaches users, and carriers reach the worker by two paths', async (t) => {
  const toUsers = named('NetworkPolicy', 'to-users')['spec'] as { ingress: { from: unknown[] }[] }
  t.strictSame(
    toUsers.ingress.flatMap(({ from }) => from),
    [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'auth-gateway' } } }],
  )
  t.match(named('NetworkPolicy', 'nobody')['spec'], { podSelector: {}, policyTypes: ['Ingress'] })
  const { rules } = named('Ingress', 'latchkey')['spec'] as {
    rules: { http: { paths: { path: string; backend: { service: { name: string } } }[] } }[]
  }
  const paths = rules.flatMap(({ http }) => http.paths.map(({ path, backend }) => `${path} ${backend.service.name}`))
  t.strictSame(paths, ['/receipts sms-worker', '/inbound sms-worker', '/ auth-gateway'])
})

t.test('workers are scaled on the age of the oldest code, and there is always one', async (t) => {
  const spec = named('ScaledObject', 'sms-worker')['spec'] as {
    minReplicaCount: number
    idleReplicaCount?: number
    fallback: { replicas: number }
    triggers: { metadata: { query: string; ignoreNullValues: string } }[]
  }
  t.ok(spec.minReplicaCount >= 1 && spec.idleReplicaCount === undefined && spec.fallback.replicas >= 1)
  const [trigger] = spec.triggers
  t.same(selectorsOf(trigger?.metadata.query ?? ''), [{ name: 'latchkey_oldest_code_job_seconds', labels: [] }])
  t.equal(trigger?.metadata.ignoreNullValues, 'false', 'a figure that is not told is not a queue that is empty')
  for (const name of ['auth-gateway', 'users']) t.ok(named('HorizontalPodAutoscaler', name), name)
})
