import { randomBytes, randomUUID } from 'node:crypto'
import t from 'tap'
import type { Key } from '../src/key-ring.js'
import { createSignedTokens } from '../src/signed-token.js'

const key = (id: string): Key => ({ id, secret: randomBytes(32) })

t.test('a token opens as what was signed, and the same subject always gives the same token', async (t) => {
  const tokens = createSignedTokens([key('k1')], { prefix: 'one_' })
  for (const counter of [0, 1, 0xffffffff]) {
    const subject = { id: randomUUID(), counter }
    t.same(tokens.open(tokens.sign(subject)), subject)
    t.equal(tokens.sign(subject), tokens.sign(subject))
  }
})

t.test('an altered token, in any single character, is refused', async (t) => {
  const tokens = createSignedTokens([key('k1')], { prefix: 'one_' })
  const token = tokens.sign({ id: randomUUID(), counter: 7 })
  const opened = token.split('').flatMap((character, at) => {
    const other = character === 'A' ? 'B' : 'A'
    return tokens.open(token.slice(0, at) + other + token.slice(at + 1)) === undefined ? [] : [at]
  })
  t.same(opened, [])
  for (const spelling of [`${token}=`, `${token} `, `${token}\n`, ` ${token}`, token.replace('_', '_ '), `${token}A`])
    t.equal(tokens.open(spelling), undefined, JSON.stringify(spelling.slice(-6)))
})

t.test('what is no token at all is refused', async (t) => {
  const tokens = createSignedTokens([key('k1')], { prefix: 'one_' })
  for (const nonsense of ['', 'one_', 'one_AAAA', 'x', `one_${'A'.repeat(400)}`, 'one_%%%', '\0'])
    t.equal(tokens.open(nonsense), undefined)
})

t.test('a token of one kind does not open as another kind', async (t) => {
  const ring = [key('k1')] as const
  const one = createSignedTokens(ring, { prefix: 'one_' })
  const two = createSignedTokens(ring, { prefix: 'two_' })
  const token = one.sign({ id: randomUUID(), counter: 1 })
  t.equal(two.open(token.replace('one_', 'two_')), undefined)
})

t.test(
  'an old key of the ring still opens and, asked for by name, still signs; a retired one does neither',
  async (t) => {
    const [old, current] = [key('old'), key('new')]
    const before = createSignedTokens([old], { prefix: 'one_' })
    const after = createSignedTokens([current, old], { prefix: 'one_' })
    const later = createSignedTokens([current], { prefix: 'one_' })
    const subject = { id: randomUUID(), counter: 1 }
    const token = before.sign(subject)
    t.same(after.open(token), subject)
    t.equal(after.sign(subject, 'old'), token)
    t.not(after.sign(subject), token)
    t.equal(later.open(token), undefined)
    t.same(later.open(later.sign(subject, 'old')), subject, 'signed by the current key instead')
  },
)

t.test('a key with the id of another does not open its tokens', async (t) => {
  const token = createSignedTokens([key('k1')], { prefix: 'one_' }).sign({ id: randomUUID(), counter: 1 })
  t.equal(createSignedTokens([key('k1')], { prefix: 'one_' }).open(token), undefined)
})
