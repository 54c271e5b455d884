import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findBreaches, readWorkspaces } from '../src/architecture/check.js'
import { importsOf } from '../src/architecture/imports.js'
import { rules } from '../src/architecture/rules.js'
import { checkout } from '../src/checkout.js'

const workspaces = readWorkspaces(checkout)
const fixtures = join(checkout, '.ci/test/fixtures')

t.test('every import goes where the table of rooms lets it go', async (t) => {
  t.strictSame(findBreaches(checkout, workspaces), [])
})

t.test('every rule has a file that breaks it', async (t) => {
  t.strictSame(readdirSync(fixtures).sort(), rules.map(({ name }) => name).sort())
})

for (const { name } of rules) {
  t.test(`breaking ${name} is noticed, by that rule alone`, async (t) => {
    const breaches = findBreaches(join(fixtures, name), workspaces)
    t.strictSame([...new Set(breaches.map(({ rule }) => rule))], [name])
  })
}

t.test('a dialect reaches no store, queue, plugin, other face, client or environment', async (t) => {
  for (const target of [
    '../../../challenges/challenge-store.js',
    '../../../sms-queue.js',
    '../../../users-client.js',
    '../../../flows/register.js',
    '../../plugins/rate-limit.js',
    '../../v1/face.js',
    '../../dialects.js',
    '../other/index.js',
    '@latchkey/contracts/queues/sms',
    '@latchkey/kit/redis',
    '@latchkey/users',
    'ioredis',
    'undici',
    'node:fs',
  ]) {
    const acme = { 'index.ts': `import { a } from '${target}'\n` }
    const root = t.testdir({ services: { 'auth-gateway': { src: { http: { dialects: { acme } } } } } })
    t.equal(findBreaches(root, workspaces).length > 0, true, target)
  }
})

t.test('no way of importing escapes the parser', async (t) => {
  const ways = {
    "import { a } from 'x'": [false, ['a']],
    "import a from 'x'": [false, ['*']],
    "import 'x'": [false, []],
    "import type { A } from 'x'": [true, []],
    "import { type A } from 'x'": [true, []],
    "import { type A, b } from 'x'": [false, ['b']],
    "export { a } from 'x'": [false, []],
    "export type { A } from 'x'": [true, []],
    "export * from 'x'": [false, []],
    "const a = await import('x')": [false, []],
    "type A = import('x').A": [true, []],
    "import a = require('x')": [false, []],
  }
  for (const [text, [typeOnly, names]] of Object.entries(ways)) {
    t.strictSame(
      importsOf('libs/kit/src/a.ts', text, workspaces),
      [{ line: 1, target: 'npm:x', typeOnly, names }],
      text,
    )
  }
})

t.test('no way of reading the environment escapes the parser', async (t) => {
  for (const text of [
    "process.env['A']",
    "process['env']",
    'const { env } = process',
    "import { env } from 'node:process'",
  ]) {
    const targets = importsOf('libs/kit/src/a.ts', text, workspaces).map(({ target }) => target)
    t.ok(targets.includes('process.env'), text)
  }
})
