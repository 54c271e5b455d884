import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { checkout } from './checkout.js'

const variable = /^[A-Z][A-Z0-9_]+$/

/** The variables that the configuration of any service or carrier describes. */
export const configuredVariables = (): Set<string> =>
  new Set(readdirSync(join(checkout, 'services')).flatMap((service) => [...variablesOf(service)]))

/** Those that the configuration of one service, and of the carriers it may have, describes. */
export function variablesOf(service: string): Set<string> {
  const names = new Set<string>()
  const configs = ['config', 'sms-guard-config', 'mail-config'].map((file) => `services/${service}/src/${file}.ts`)
  const carriers = `services/${service}/src/providers`
  const described = existsSync(join(checkout, carriers))
    ? readdirSync(join(checkout, carriers)).map((file) => `${carriers}/${file}`)
    : []
  for (const file of [...configs, ...described].map((path) => join(checkout, path))) {
    if (!existsSync(file)) continue
    const visitor = new Visitor({
      Property({ key, value }) {
        // `NAME: Type.String(…)` or a shorthand of ours like `NAME: Port(…)`, `NAME: variable(…)`.
        if (key.type === 'Identifier' && variable.test(key.name) && value.type === 'CallExpression') names.add(key.name)
      },
    })
    visitor.visit(parseSync(file, readFileSync(file, 'utf8')).program)
  }
  return names
}

const dialects = join(checkout, 'services/auth-gateway/src/http/dialects')

/** The rules of every dialect as variables, with the values its policy gives them: `codeLifeSeconds` of `users-api` → `DIALECT_USERS_API_CODE_LIFE_SECONDS`. */
export function dialectVariables(): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of readdirSync(dialects)) {
    const file = join(dialects, name, 'policy.ts')
    const visitor = new Visitor({
      Property({ key, value }) {
        if (key.type !== 'Identifier' || value.type !== 'Literal') return
        const rule = key.name.replace(/[A-Z]/g, '_$&')
        found.set(`DIALECT_${name.replaceAll('-', '_')}_${rule}`.toUpperCase(), String(value.value))
      },
    })
    visitor.visit(parseSync(file, readFileSync(file, 'utf8')).program)
  }
  return found
}

/** What `npm start` reads for itself. */
export const launcherVariables: ReadonlySet<string> = new Set(['LATCHKEY_DATA_DIR'])

/** The variables of .env.example, each with the value it shows, and whether a comment stands over it or over the group it closes. */
export function documentedVariables(): Map<string, { value: string; explained: boolean }> {
  const found = new Map<string, { value: string; explained: boolean }>()
  let explained = false
  for (const line of readFileSync(join(checkout, '.env.example'), 'utf8').split('\n')) {
    const [, name, value = ''] = /^# ([A-Z][A-Z0-9_]*)=(.*)/.exec(line) ?? []
    if (line.trim() === '') explained = false
    else if (name === undefined) explained = true
    else found.set(name, { value, explained })
  }
  return found
}
