import { randomBytes } from 'node:crypto'
import t from 'tap'
import { hmac, parseKeyRing } from '../src/key-ring.js'
import { createSealer } from '../src/seal.js'
import { createShardedIds, shardOfHash } from '../src/sharded-id.js'

const key = (id: string) => ({ id, secret: randomBytes(32) })

t.test('a box opens where it was sealed for, and nowhere else', async (t) => {
  const sealer = createSealer([key('k1')])
  const box = sealer.seal('the secret', 'shelf/1')
  t.equal(sealer.open(box, 'shelf/1'), 'the secret')
  t.throws(() => sealer.open(box, 'shelf/2'))
  t.notMatch(box, 'secret')
  t.not(sealer.seal('the secret', 'shelf/1'), box, 'equal texts give unequal boxes')
})

t.test('an altered box does not open, nor one with a short tag', async (t) => {
  const sealer = createSealer([key('k1')])
  const [id, iv, tag = '', body = ''] = sealer.seal('the secret', 'c').split('.')
  const flip = (text: string) => `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`
  for (const parts of [
    [id, iv, tag, flip(body)],
    [id, iv, flip(tag), body],
    [id, iv, tag.slice(0, 6), body],
    [id, iv, tag],
    ['k2', iv, tag, body],
    [''],
  ]) {
    t.throws(() => sealer.open(parts.join('.'), 'c'))
  }
})

t.test('after a rotation old boxes still open; once the key is retired they do not', async (t) => {
  const [old, fresh] = [key('old'), key('new')]
  const box = createSealer([old]).seal('x', 'c')
  t.equal(createSealer([fresh, old]).open(box, 'c'), 'x')
  t.match(createSealer([fresh, old]).seal('x', 'c'), /^new\./)
  t.throws(() => createSealer([fresh]).open(box, 'c'))
})

t.test('a key ring is refused where a key is short, an id is used twice, or it is empty', async (t) => {
  const good = randomBytes(32).toString('base64')
  t.same(
    parseKeyRing(`a:${good},b:${good}`).map(({ id }) => id),
    ['a', 'b'],
  )
  for (const text of ['a:c2hvcnQ=', `a:${good},a:${good}`, '']) t.throws(() => parseKeyRing(text))
})

t.test('parts of a keyed hash cannot run into each other', async (t) => {
  const one = key('k')
  t.notSame(hmac(one, 'ab', 'c'), hmac(one, 'a', 'bc'))
  t.notSame(hmac(one, 'a', ''), hmac(one, 'a'))
})

t.test('an id tells its shard to whoever has the key; to others two ids of one shard share nothing', async (t) => {
  const ids = createShardedIds(key('k'))
  const shard = shardOfHash(randomBytes(32))
  const made = Array.from({ length: 200 }, () => ids.create(shard))
  t.ok(made.every((id) => /^[0-9a-f]{3}\.[0-9a-f]{32}$/.test(id) && ids.shardOf(id) === shard))
  t.ok(new Set(made.map((id) => id.slice(0, 3))).size > 150)
  t.not(
    createShardedIds(key('k')).shardOf(made[0] ?? '') === shard &&
      createShardedIds(key('k')).shardOf(made[1] ?? '') === shard,
    true,
  )
})
