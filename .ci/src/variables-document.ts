import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from './checkout.js'
import { launcherVariables, variablesOf } from './variables.js'

const head = `# Variables

Every variable of Latchkey, with its default or an example, and who reads it. Each may be given as \`NAME_FILE\`, the path of a file that holds it. What is
required in production, and how keys are made and changed: [operations](operations.md#configuration).

Generated from \`.env.example\` by \`npm run docs\`: edit that file, not this page.
`

const readerNames: readonly (readonly [string, string])[] = [
  ['auth-gateway', 'gateway'],
  ['users', 'users'],
  ['sms-worker', 'worker'],
]

/** docs/variables.md: a section for each of .env.example, a line for each variable. */
export function variablesDocument(): string {
  const services = readdirSync(join(checkout, 'services'))
  const known = readerNames
    .filter(([service]) => services.includes(service))
    .map(([service, name]) => ({ name, variables: variablesOf(service) }))
  const readersOf = (variable: string) => {
    if (launcherVariables.has(variable)) return '`npm start`'
    if (variable.startsWith('DIALECT_')) return 'gateway'
    return known.flatMap(({ name, variables }) => (variables.has(variable) ? [name] : [])).join(', ')
  }
  const [, ...sections] = readFileSync(join(checkout, '.env.example'), 'utf8').split(/^# ── (?=.+ ──)/m)
  return [head, ...sections.map((section) => sectionOf(section, readersOf))].join('\n')
}

function sectionOf(text: string, readersOf: (variable: string) => string): string {
  const [title = '', ...lines] = text.split('\n')
  const blocks = lines
    .join('\n')
    .trim()
    .split(/\n\s*\n/)
    .map(blockOf)
  const said = blocks.filter(({ variables }) => variables.length === 0).map((block) => `${block.says}\n`)
  const rows = blocks.flatMap(({ says, variables }) =>
    variables.map(({ name, shown }, n) => {
      const value = shown === '' ? `\`${name}\`` : `\`${name}=${shown}\``
      return `| ${inCell(value)} | ${readersOf(name)} | ${n === 0 ? inCell(says) : '″'} |`
    }),
  )
  const table = ['| variable | read by | |', '|---|---|---|', ...rows]
  return [`## ${title.replace(/ ─+$/, '')}`, '', ...said, ...(rows.length > 0 ? table : []), ''].join('\n')
}

function blockOf(block: string): { says: string; variables: { name: string; shown: string }[] } {
  const lines = block.split('\n').map((line) => line.replace(/^# ?/, ''))
  const variables = lines.flatMap((line) => {
    const [, name, shown = ''] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    return name === undefined ? [] : [{ name, shown }]
  })
  const says = lines.filter((line) => !/^[A-Z][A-Z0-9_]*=/.test(line)).join(' ')
  return { says, variables }
}

/** A `<` in prose would begin an element. */
const inCell = (text: string): string =>
  text.replaceAll('|', '\\|').replace(/`[^`]*`|</g, (found) => (found === '<' ? '&lt;' : found))
