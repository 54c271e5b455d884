import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../src/places.js'
import { guards } from './slow/guards.js'

const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : '')

t.test(
  'what the slow ring takes away still stands in its file, once, and its test has the name it is called by',
  async (t) => {
    for (const { guards: what, file, take, put, test, red } of guards) {
      t.equal(read(file).split(take).length - 1, 1, `${what}: the text in ${file}`)
      t.not(take, put, what)
      for (const name of red.split(' > ')) t.ok(read(test).includes(name), `${what}: "${name}" in ${test}`)
    }
    t.equal(new Set(guards.map((guard) => guard.guards)).size, guards.length, 'each guard has a sentence of its own')
  },
)
