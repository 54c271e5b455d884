import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Type } from 'typebox'
import { ConfigError, loadConfig } from '../src/config.js'

const Schema = Type.Object({
  PORT: Type.Integer({ minimum: 1, default: 80, description: 'where we listen' }),
  SECRET: Type.String({ minLength: 8, description: 'at least 8 characters' }),
  LEVEL: Type.Enum(['low', 'high'], { default: 'low' }),
})

const problems = (env: Record<string, string>, rules: Parameters<typeof loadConfig<typeof Schema>>[2] = []) => {
  try {
    loadConfig(Schema, env, rules)
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems
  }
}

t.test(
  'text becomes what the schema says, defaults fill in, strangers are ignored, and nobody can change it later',
  async (t) => {
    const config = loadConfig(Schema, { PORT: '8080', SECRET: 'long enough', OTHER: 'x', LEVEL: '' })
    t.same(config, { PORT: 8080, SECRET: 'long enough', LEVEL: 'low' })
    t.ok(Object.isFrozen(config))
  },
)

t.test('every problem is told at once, by name, with what it should be and without its value', async (t) => {
  const said = problems({ PORT: 'hunter2', LEVEL: 'hunter2' })
  t.equal(said.length, 3, said.join('\n'))
  for (const name of ['PORT', 'SECRET', 'LEVEL'])
    t.ok(
      said.some((problem) => problem.startsWith(name)),
      name,
    )
  t.notMatch(said.join(), 'hunter2')
  t.match(said.join(), 'where we listen')
})

t.test('a secret may come from a file; a file that is not there is a problem', async (t) => {
  const file = join(mkdtempSync(join(tmpdir(), 'latchkey-')), 'secret')
  writeFileSync(file, 'from the file\n')
  t.match(loadConfig(Schema, { SECRET_FILE: file }), { SECRET: 'from the file' })
  t.match(problems({ SECRET_FILE: `${file}.gone` }).join(), 'SECRET_FILE')
})

t.test('rules over several variables are told with the rest', async (t) => {
  t.same(problems({ SECRET: 'long enough' }, [({ PORT }) => (PORT === 80 ? ['PORT 80 needs root'] : [])]), [
    'PORT 80 needs root',
  ])
})
