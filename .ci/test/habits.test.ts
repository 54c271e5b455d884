import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkout } from '../src/checkout.js'
import { generated } from '../src/generated.js'
import { brokenLinks } from '../src/links.js'
import { configuredVariables, dialectVariables, documentedVariables, launcherVariables } from '../src/variables.js'

/** What a tool of the checkout has to say; nothing when it is content. */
function complaints(tool: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(join(checkout, 'node_modules/.bin', tool), args, {
    cwd: checkout,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], NO_COLOR: '1' },
  })
  return status === 0 ? '' : `${stdout}\n${stderr}`.trim()
}

t.test('every file is formatted', async (t) => {
  t.equal(complaints('biome', 'format', '.'), '', 'run `npm run format`')
})

t.test('type-aware lint finds nothing', async (t) => {
  t.equal(complaints('oxlint', '--type-aware'), '')
})

t.test('there is no dead code, and every dependency is listed and used', async (t) => {
  t.equal(complaints('knip', '--no-progress'), '')
})

t.test('docs and dashboards that are generated are what the sources say', async (t) => {
  for (const [file, text] of generated())
    t.equal(readFileSync(join(checkout, file), 'utf8'), text, `${file}: run \`npm run docs\``)
})

t.test('every relative link in the docs leads somewhere', async (t) => {
  t.strictSame(brokenLinks(checkout), [])
})

t.test('.env.example explains every variable that is read, and no other', async (t) => {
  const documented = documentedVariables()
  const rules = dialectVariables()
  const read = [...configuredVariables(), ...rules.keys(), ...launcherVariables].sort()
  t.strictSame([...documented.keys()].sort(), read)
  t.strictSame(
    [...documented].filter(([, { explained }]) => !explained),
    [],
    'a comment stands above each',
  )
  t.strictSame(
    [...rules].filter(([name, value]) => documented.get(name)?.value !== value),
    [],
    'the rules of a dialect are shown with the values of its policy',
  )
})
