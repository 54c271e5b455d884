import { randomBytes } from 'node:crypto'
import t from 'tap'
import { keyProblems } from '../src/key-strength.js'

const key = (id = 'k1') => `${id}:${randomBytes(32).toString('base64')}`
const secret = () => randomBytes(32).toString('base64url')

t.test('random keys of different jobs are taken', async (t) => {
  const keys = { A: `${key()},${key('k2')}`, B: key(), C: undefined, S: secret() }
  t.same(keyProblems(keys, { bare: ['S'] }), [])
})

t.test('a key that no generator made is refused, and not quoted', async (t) => {
  for (const text of [
    `k1:${Buffer.alloc(32).toString('base64')}`,
    `k1:${Buffer.from('abababababababababababababababab').toString('base64')}`,
    `${key()},k2:${Buffer.alloc(32, 7).toString('base64')}`,
  ]) {
    const said = keyProblems({ A: text })
    t.match(said, [/^A holds a key that is not random/])
    t.notOk(said.join().includes(text.slice(-20)))
  }
  t.match(keyProblems({ S: 'x'.repeat(40) }, { bare: ['S'] }), [/^S holds a key that is not random/])
})

t.test('one key for two jobs, or twice in a ring, is refused, however it is spelled', async (t) => {
  const one = key()
  const respelled = one.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
  t.match(keyProblems({ A: one, B: `${key()},${respelled.replace('k1', 'k9')}` }), [/A and B must be different keys/])
  t.match(keyProblems({ A: `${one},${respelled.replace('k1', 'k2')}` }), [/A holds one key twice/])
  t.match(keyProblems({ A: one, S: one.slice(3) }, { bare: ['S'] }), [/A and S must be different/])
})
