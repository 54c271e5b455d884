import t from 'tap'
import { createCheckedTokens } from '../src/http/plugins/checked-tokens.js'

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

t.test('a token that was checked is known in this one spelling, and no longer than it lives', async (t) => {
  const tokens = createCheckedTokens<{ exp: number; sid: string }>()
  const claims = { exp: inSeconds(600), sid: 'one' }
  tokens.keep('aa.bb.cc', claims)
  tokens.keep('over', { ...claims, exp: inSeconds(-1) })
  t.same(tokens.find('aa.bb.cc'), claims)
  for (const other of ['aa.bb.cc=', 'aa.bb.cd', 'Aa.bb.cc', 'aa.bb', '', 'over']) t.equal(tokens.find(other), undefined)
})

t.test('whoever sends however many tokens fills no more than there is room for', async (t) => {
  const tokens = createCheckedTokens<{ exp: number }>(10)
  for (let number = 0; number < 1_000; number += 1) tokens.keep(`token ${number}`, { exp: inSeconds(600) })
  const known = Array.from({ length: 1_000 }, (_, number) => tokens.find(`token ${number}`)).filter(Boolean)
  t.equal(known.length, 10)
})
