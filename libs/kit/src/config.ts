import { readFileSync } from 'node:fs'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'

/** What `OTEL_EXPORTER_OTLP_ENDPOINT` may be, of any service. */
export const Collector = () =>
  Type.Optional(
    Type.String({ pattern: '^https?://', description: 'an OpenTelemetry collector that traces go to, OTLP over HTTP' }),
  )

/** The environment cannot be used. `message` names every problem, never a value: it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** EX_CONFIG of sysexits.h. */
  readonly exitCode = 78

  constructor(readonly problems: readonly string[]) {
    super(`the configuration cannot be used:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  }
}

/** Reads, defaults, converts and checks the environment once, reports all problems at once, then freezes. `NAME_FILE` may name a file that holds NAME. */
export function loadConfig<T extends TObject>(
  schema: T,
  env: NodeJS.ProcessEnv,
  rules: readonly Rule<Static<T>>[] = [],
): Readonly<Static<T>> {
  const problems: string[] = []
  const raw: Record<string, unknown> = {}
  for (const name of Object.keys(schema.properties)) {
    const value = readVariable(name, env, problems)
    if (value !== undefined && value !== '') raw[name] = asTyped(value, schema.properties[name])
  }
  const config: unknown = Value.Default(schema, raw)
  if (!Value.Check(schema, config)) {
    for (const error of Value.Errors(schema, config)) problems.push(...describe(error, schema))
  } else {
    for (const rule of rules) problems.push(...rule(config))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config) as Readonly<Static<T>>
}

/** A check over several variables at once; returns a sentence for each problem. */
export type Rule<C> = (config: C) => string[]

/** A whole number where one is wanted; `3000.7`, `0x10` and `true` stay text, and are refused as such. */
function asTyped(value: string, schema: TSchema | undefined): unknown {
  const wanted: unknown = schema === undefined ? undefined : Reflect.get(schema, 'type')
  return wanted === 'integer' && /^\d{1,15}$/.test(value) ? Number(value) : value
}

function readVariable(name: string, env: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  const file = env[`${name}_FILE`]
  if (file === undefined || file === '') return env[name]
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    problems.push(`${name}_FILE names a file that cannot be read`)
    return undefined
  }
}

interface SchemaError {
  keyword: string
  instancePath: string
  message: string
  params: unknown
}

function describe({ keyword, instancePath, message, params }: SchemaError, schema: TObject): string[] {
  if (keyword === 'required') {
    const { requiredProperties = [] } = params as { requiredProperties?: string[] }
    return requiredProperties.map((name) => `${name} is missing${hint(schema, name)}`)
  }
  const name = instancePath.split('/')[1] ?? ''
  return [`${name} ${sentence(keyword, message, schema.properties[name])}${hint(schema, name)}`]
}

/** Patterns and lists in the words of somebody who sets a variable. */
function sentence(keyword: string, message: string, schema: TSchema | undefined): string {
  const allowed: unknown = schema === undefined ? undefined : Reflect.get(schema, 'enum')
  if (keyword === 'enum' && Array.isArray(allowed)) return `must be one of ${allowed.join(', ')}`
  if (keyword === 'pattern') return 'is not written as it must be'
  if (keyword === 'type') return message.replace('must be integer', 'must be a whole number, 0 or more')
  return message
}

function hint(schema: TObject, name: string): string {
  const { description } = (schema.properties[name] ?? {}) as { description?: string }
  return description === undefined ? '' : `: ${description}`
}
