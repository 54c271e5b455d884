import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import type { Keys } from './keys.js'
import { configExitCode, LaunchError } from './launch-error.js'
import { root } from './places.js'

export type Variables = Readonly<Record<string, string>>
export type ServiceName = 'users' | 'sms-worker' | 'auth-gateway'
export const serviceNames = ['users', 'sms-worker', 'auth-gateway'] as const satisfies readonly ServiceName[]

/** A service as it is going to be started. */
export interface ServicePlan {
  readonly name: ServiceName
  readonly port: number
  readonly opsPort: number
  readonly env: Variables
  /** Of another version, where it is not this one. */
  readonly checkout?: string
}

/** Which variables hold the ports of a service, and their defaults. */
export const portVariables = {
  users: { USERS_PORT: 3001, USERS_OPS_PORT: 9102 },
  'sms-worker': { WORKER_PORT: 3002, WORKER_OPS_PORT: 9103 },
  'auth-gateway': { GATEWAY_PORT: 3000, GATEWAY_OPS_PORT: 9101 },
} as const satisfies Record<ServiceName, Record<string, number>>

/** Who gets a secret; everything else goes to all. A prefix ends in `*`; what comes first counts. As in production, no service can read what it has no use for. */
const secrets: Readonly<Record<string, readonly ServiceName[]>> = {
  DATABASE_URL: ['users'],
  DATABASE_DIRECT_URL: ['users'],
  TOKEN_KEYS: ['users'],
  INTERNAL_SECRET: ['users', 'auth-gateway'],
  SEAL_KEYS: ['auth-gateway', 'sms-worker'],
  CHALLENGE_ID_KEY: ['auth-gateway', 'sms-worker'],
  OPT_OUT_KEY: ['sms-worker'],
  BOARD_PASSWORD: ['sms-worker'],
  TRACE_KEY: ['auth-gateway', 'users'],
  CODE_KEYS: ['auth-gateway'],
  INDEX_KEY: ['auth-gateway'],
  ACCESS_TOKEN_KEYS: ['auth-gateway'],
  JODIMILAN_USER_KEY: ['auth-gateway'],
  'TWILIO_*': ['sms-worker'],
  MESSAGECENTRAL_COUNTRY_CODE: ['auth-gateway', 'sms-worker'],
  'MESSAGECENTRAL_*': ['sms-worker'],
  'SMTP_*': ['sms-worker'],
}

interface Given {
  /** The environment and `.env`, which win over everything generated. */
  readonly given: Variables
  readonly keys: Keys
  readonly databaseUrl: string
  readonly redisUrl: string
  /** Development where it is not said. */
  readonly mode?: 'development' | 'production'
}

/** The three services with their ports and exactly the environment each needs. */
export function planServices({ given, keys, databaseUrl, redisUrl, mode = 'development' }: Given): ServicePlan[] {
  const ports = readPorts(given)
  const variables: Variables = {
    QUEUE_REDIS_URL: redisUrl,
    USERS_URL: `http://127.0.0.1:${ports['USERS_PORT']}`,
    LOG_LEVEL: 'info',
    // A deployment says for itself whether it serves pages.
    ...(mode === 'development' && {
      PAGES_DIR: join(root, 'services/web/dist/site'),
      ...(given['PAGES_DIR'] !== 'none' && { PAGES_URL: `http://localhost:${ports['GATEWAY_PORT']}` }),
    }),
    ...keys,
    ...given,
    ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    NODE_ENV: mode,
  }
  return serviceNames.map((name) => {
    const [port = 0, opsPort = 0] = Object.keys(portVariables[name]).map((variable) => ports[variable])
    return { name, port, opsPort, env: visibleTo(name, variables) }
  })
}

/** The six ports by variable. Throws one error that names every variable that cannot be used. */
export function readPorts(given: Variables): Record<string, number> {
  const ports: Record<string, number> = {}
  const problems: string[] = []
  for (const [name, value] of Object.values(portVariables).flatMap((variables) => Object.entries<number>(variables))) {
    const port = Number(given[name] ?? value)
    const other = Object.keys(ports).find((taken) => ports[taken] === port)
    if (!Number.isInteger(port) || port < 1 || port > 65_535) problems.push(`${name} must be a port, 1 to 65535`)
    else if (other !== undefined) problems.push(`${name} and ${other} are the same port, ${port}`)
    ports[name] = port
  }
  if (problems.length > 0) throw new LaunchError(problems.join('; '), { exitCode: configExitCode })
  return ports
}

/** What of these variables a service is given. */
export function visibleTo(service: ServiceName, variables: Variables): Variables {
  const hidden = ([variable]: [string, string]) => {
    const name = variable.replace(/_FILE$/, '')
    const rule = Object.keys(secrets).find((key) =>
      key.endsWith('*') ? name.startsWith(key.slice(0, -1)) : name === key,
    )
    return rule !== undefined && secrets[rule]?.includes(service) === false
  }
  return Object.fromEntries(Object.entries(variables).filter((entry) => !hidden(entry)))
}

/** Names in a `.env` that `.env.example` does not know: most likely misspelt, and silently without effect. */
export function unknownNames(dotEnv: string, example: string): string[] {
  if (!existsSync(dotEnv)) return []
  const known = new Set(
    [...readFileSync(example, 'utf8').matchAll(/^#?\s?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name),
  )
  return Object.keys(parseEnv(readFileSync(dotEnv, 'utf8'))).filter(
    (name) => !known.has(name.replace(/_FILE$/, '')) && !known.has(name),
  )
}

/** The environment over the `.env` of the checkout; empty values count as not given, npm's own variables are of no use to a service. */
export function readGiven(dotEnv: string, environment: NodeJS.ProcessEnv): Variables {
  const written = existsSync(dotEnv) ? parseEnv(readFileSync(dotEnv, 'utf8')) : {}
  return Object.fromEntries(
    [...Object.entries(written), ...Object.entries(environment)].flatMap(([name, value]) =>
      value === undefined || value === '' || name.startsWith('npm_') ? [] : [[name, value]],
    ),
  )
}
