import { ConfigError, loadConfig } from '@latchkey/kit/config'
import { type TSchema, Type } from 'typebox'
import type { DialectPolicy } from './flows/policy.js'
import type { Dialect } from './http/dialects.js'

/** Which dialects are spoken, by which rules. */
export interface DialectsConfig {
  readonly mounted: readonly { readonly name: string; readonly policy: DialectPolicy; readonly root: boolean }[]
}

type Rules = Readonly<Record<string, DialectPolicy[keyof DialectPolicy]>>

/** Reads `DIALECTS`, `ROOT_DIALECT` and every `DIALECT_<NAME>_<RULE>`. Throws ConfigError with every problem. */
export function loadDialects(
  env: NodeJS.ProcessEnv,
  table: Readonly<Record<string, Pick<Dialect, 'policy'>>>,
): DialectsConfig {
  const known = Object.keys(table)
  const { DIALECTS, ROOT_DIALECT } = env
  const listed = entries(DIALECTS ?? '')
  const everything = env['NODE_ENV'] === 'development' && listed.length === 0
  const names = everything ? known : listed.filter((name) => name !== 'none')
  const problems = [
    ...[...names, ...entries(ROOT_DIALECT ?? '')]
      .filter((name) => !known.includes(name))
      .map(() => `DIALECTS and ROOT_DIALECT know ${known.join(', ')}`),
    ...(listed.includes('none') && listed.length > 1 ? ['DIALECTS names none beside others'] : []),
    ...unknownRules(env, table),
  ]
  if (
    ROOT_DIALECT !== undefined &&
    ROOT_DIALECT !== '' &&
    known.includes(ROOT_DIALECT) &&
    !names.includes(ROOT_DIALECT)
  )
    problems.push('ROOT_DIALECT is not among DIALECTS')
  const policies = new Map(
    Object.entries(table).map(([name, { policy }]) => [name, readPolicy(name, policy, env, problems)]),
  )
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
  return {
    mounted: [...new Set(names)].flatMap((name) => {
      const policy = policies.get(name)
      return policy === undefined ? [] : [{ name, policy, root: name === ROOT_DIALECT }]
    }),
  }
}

/** `users-api`, `codeLifeSeconds` → `DIALECT_USERS_API_CODE_LIFE_SECONDS`. */
const variable = (name: string, rule: string) =>
  `DIALECT_${name.replaceAll('-', '_')}_${rule.replace(/[A-Z]/g, '_$&')}`.toUpperCase()

function readPolicy(
  name: string,
  policy: DialectPolicy,
  env: NodeJS.ProcessEnv,
  problems: string[],
): DialectPolicy | undefined {
  const rules = Object.entries(policy as unknown as Rules)
  const schema = Type.Object(Object.fromEntries(rules.map(([rule, value]) => [variable(name, rule), of(rule, value)])))
  try {
    const read: Record<string, unknown> = loadConfig(schema, env)
    const set = rules.map(([rule, value]) => {
      const given = read[variable(name, rule)]
      return [rule, typeof value === 'boolean' ? given === 'true' : given]
    })
    const whole: unknown = Object.fromEntries(set)
    return whole as DialectPolicy
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** What a variable of a rule may hold. */
function of(rule: string, value: Rules[string]): TSchema {
  if (typeof value === 'boolean') return Type.Enum(['true', 'false'], { default: String(value) })
  if (rule === 'resend') return Type.Enum(['repeat', 'rotate'], { default: value })
  const [minimum, maximum] = bounds[rule] ?? [1, Number.MAX_SAFE_INTEGER]
  return Type.Integer({ minimum, maximum, default: value })
}

/** What old signing keys are kept for, and idle sessions: a token that lived longer would outlive both. */
export const longestAccessTokenSeconds = 7 * 86_400

/** As for /v1. */
const bounds: Readonly<Record<string, readonly [number, number]>> = {
  codeLifeSeconds: [30, 3_600],
  cooldownSeconds: [1, 3_600],
  resends: [0, 10],
  attempts: [1, 10],
  accessTokenSeconds: [60, longestAccessTokenSeconds],
}

/** A misspelt rule would silently be none. */
function unknownRules(env: NodeJS.ProcessEnv, table: Readonly<Record<string, Pick<Dialect, 'policy'>>>): string[] {
  const known = new Set(
    Object.entries(table).flatMap(([name, { policy }]) => Object.keys(policy).map((rule) => variable(name, rule))),
  )
  return Object.keys(env)
    .filter((name) => name.startsWith('DIALECT_') && !known.has(name) && !known.has(name.replace(/_FILE$/, '')))
    .map((name) => `${name} is no rule of any dialect`)
}

const entries = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
