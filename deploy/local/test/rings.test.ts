import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { variablesFile, variablesFolder } from '../src/key-place.js'
import { makeKey, ringNames } from '../src/keys.js'
import { root } from '../src/places.js'
import { describeRing, livesMs, prune, type Ring, shortestWaitMs, turn } from '../src/rings.js'

const ids = ({ text }: Ring) => text.split(',').map((entry) => entry.split(':')[0])
const fresh = (): Ring => ({ name: 'TOKEN_KEYS', text: makeKey('TOKEN_KEYS'), history: {} })
const start = new Date('2026-11-21T09:00:00Z')
const after = (ms: number) => new Date(start.getTime() + ms)
function must(turned: ReturnType<typeof turn>): Ring {
  if (turned.kind === 'too_early') throw new Error('too early')
  return turned.ring
}
function folder(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'latchkey-rings-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  return dir
}

t.test('a new key verifies everywhere before it signs anywhere, and waits until it was read', async (t) => {
  const ring = fresh()
  const [old] = ids(ring)
  const first = turn(ring, start)
  t.equal(first.kind, 'added')
  const added = must(first)
  t.equal(ids(added)[0], old, 'the old one still signs')
  t.equal(ids(added).length, 2)
  t.match(turn(added, after(shortestWaitMs - 1)), { kind: 'too_early', since: start })
  const second = turn(added, after(shortestWaitMs))
  t.equal(second.kind, 'promoted')
  t.same(ids(must(second)), [ids(added)[1], old], 'the old one still verifies')
  t.equal(turn(added, start, { now: true }).kind, 'promoted')
  t.equal(turn(must(second), after(shortestWaitMs)).kind, 'added', 'then it begins anew')
})

t.test('an old key is taken out when nothing of it is alive any more; one that signs or waits never is', async (t) => {
  const [old] = ids(fresh())
  const ring = must(turn(must(turn({ ...fresh(), text: `${old}:AAAA` }, start)), start, { now: true }))
  const end = livesMs.TOKEN_KEYS
  t.same(prune(ring, after(end - 1)).removed, [])
  t.same(prune(ring, after(end)).removed, [old])
  const rotating = must(turn(ring, after(1)))
  const { ring: pruned, removed } = prune(rotating, after(1), { now: true })
  t.same(removed, [old], 'with --now every old one, and only those')
  t.same(ids(pruned), ids(rotating).slice(0, 2))
  const byHand = { ...fresh(), text: `${fresh().text},other:AAAA` }
  t.same(prune(byHand, after(10 * end)).removed, [], 'of one that somebody put there nobody knows')
})

t.test('what is told of a ring is no secret', async (t) => {
  const ring = must(turn(fresh(), start))
  for (const entry of ring.text.split(','))
    t.notOk(
      describeRing(ring)
        .join('\n')
        .includes(entry.split(':')[1] ?? ''),
      'no key',
    )
  t.match(describeRing(ring), [/signs/, /waits/])
})

t.test('a file of variables keeps its other lines and who may read it; its history holds no key', async (t) => {
  const path = join(folder(t), 'prod.env')
  const text = `# ours\nBRAND_NAME="Acme # 1"\nTOKEN_KEYS=${fresh().text}\n# TOKEN_KEYS=old\nLOG_LEVEL=info`
  writeFileSync(path, text, { mode: 0o640 })
  const place = variablesFile(path)
  const ring = place.read('TOKEN_KEYS') as Ring
  const next = must(turn(ring, start))
  place.write(next)
  t.equal(readFileSync(path, 'utf8'), text.replace(ring.text, next.text))
  t.equal(statSync(path).mode & 0o777, 0o640)
  t.same(place.read('TOKEN_KEYS'), next)
  const history = readFileSync(`${path}.history.json`, 'utf8')
  for (const entry of next.text.split(',')) t.notOk(history.includes(entry.split(':')[1] ?? ''))
  t.equal(place.read('CODE_KEYS'), undefined)
})

t.test('a folder with a file for each variable is rotated file by file', async (t) => {
  const dir = join(folder(t), 'secrets')
  mkdirSync(dir)
  for (const name of ringNames) writeFileSync(join(dir, name), `${makeKey(name)}\n`, { mode: 0o600 })
  const place = variablesFolder(dir)
  const next = must(turn(place.read('SEAL_KEYS') as Ring, start))
  place.write(next)
  t.same(place.read('SEAL_KEYS'), next)
  t.same(readdirSync(dir).sort(), [...ringNames, 'history.json'].sort(), 'nothing half written is left')
})

t.test(
  'a key file keeps its owner and readers whatever the umask, and nothing is written through a link',
  async (t) => {
    const dir = folder(t)
    const [path, theirs] = [join(dir, 'prod.env'), join(dir, 'theirs')]
    writeFileSync(path, `TOKEN_KEYS=${fresh().text}\n`)
    chmodSync(path, 0o660)
    if (process.getuid?.() === 0) chownSync(path, 65_534, 65_534)
    const { uid, gid } = statSync(path)
    writeFileSync(theirs, 'untouched', { mode: 0o666 })
    // What somebody puts there who may write into the folder: what he links to would be overwritten, or he would read the keys.
    symlinkSync(theirs, `${path}.new`)
    const umask = process.umask(0o077)
    t.teardown(() => process.umask(umask))
    const place = variablesFile(path)
    const next = must(turn(place.read('TOKEN_KEYS') as Ring, start))
    place.write(next)
    t.match(statSync(path), { uid, gid, mode: 0o100_660 })
    t.equal(statSync(`${path}.history.json`).mode & 0o777, 0o600)
    t.equal(readFileSync(theirs, 'utf8'), 'untouched')
    const linked = join(dir, 'linked.env')
    symlinkSync(path, linked)
    t.throws(() => variablesFile(linked).write(must(turn(next, start, { now: true }))), { message: /leads elsewhere/ })
    t.same(place.read('TOKEN_KEYS'), next, 'and nothing was changed')
  },
)

t.test('a rotation that was interrupted anywhere is done again, and leaves no key behind', async (t) => {
  const path = join(folder(t), 'prod.env')
  writeFileSync(path, `TOKEN_KEYS=${fresh().text}\n`)
  const place = variablesFile(path)
  const ring = () => place.read('TOKEN_KEYS') as Ring
  const historyFile = `${path}.history.json`
  function stopBeforeTheRing(turned: Ring): void {
    mkdirSync(`${path}.new`)
    t.throws(() => place.write(turned))
    rmSync(`${path}.new`, { recursive: true })
  }
  /** Stopped before the ring is written; done again, and stopped after it, before its history is. */
  function interrupted(next: (ring: Ring) => Ring): void {
    const { text } = ring()
    stopBeforeTheRing(next(ring()))
    t.equal(ring().text, text)
    const again = next(ring())
    stopBeforeTheRing(again)
    const history = readFileSync(historyFile)
    place.write(again)
    writeFileSync(historyFile, history)
  }
  const [old] = ids(ring())
  interrupted((ring) => must(turn(ring, start)))
  const [, made] = ids(ring())
  t.same(ids(ring()), [old, made], 'one key was added, and waits')
  interrupted((ring) => must(turn(ring, after(shortestWaitMs))))
  t.same(ids(ring()), [made, old], 'it signs, and no third is there')
  t.match(describeRing(ring()), [/signs/, /verifies, needed until/])
  interrupted((ring) => prune(ring, after(shortestWaitMs + livesMs.TOKEN_KEYS)).ring)
  t.same(ids(ring()), [made], 'and is alone in the end')
  t.equal(turn(ring(), after(1)).kind, 'added', 'then it begins anew')
})

t.test('the command says what to do next, never a key, and refuses what it cannot do', async (t) => {
  const dir = folder(t)
  const path = join(dir, 'prod.env')
  const keys = (...words: string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'deploy/local/dist/src/keys-command.js'), ...words],
      { cwd: dir, encoding: 'utf8', env: {} },
    )
    return { status, said: `${stdout}${stderr}` }
  }
  t.match(keys('create', '--in', path), { status: 0, said: /prod\.env: made/ })
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.match(keys('create', '--in', path), { status: 78, said: /there already/ })
  t.match(keys('rotate', '--in', path), { status: 0, said: /verifies[^]*restart, one by one/ })
  t.match(keys('rotate', '--in', path), { status: 0, said: /signs after 10 minutes/ })
  t.match(keys('rotate', 'CODE_KEYS', '--now', '--in', path), { status: 0, said: /CODE_KEYS: k\w+ signs/ })
  const listed = keys('list', '--in', path)
  t.match(listed, { status: 0, said: /CODE_KEYS\n {2}k\w+ {2}signs\n {2}k\w+ {2}verifies, needed until/ })
  for (const entry of readFileSync(path, 'utf8').matchAll(/:([A-Za-z0-9+/=]{40,})/g))
    t.notOk(listed.said.includes(entry[1] ?? ''))
  t.match(keys('prune', '--in', path), { said: /CODE_KEYS: nothing to take out/ })
  t.match(keys('prune', 'CODE_KEYS', '--now', '--in', path), { said: /CODE_KEYS: k\w+ taken out/ })
  t.match(keys('rotate', 'INDEX_KEY', '--in', path), { status: 78, said: /INDEX_KEY is no ring/ })
  t.match(keys('rotate', '--in', join(dir, 'nowhere')), { status: 78, said: /does not exist/ })
  t.match(keys('dance'), { status: 78, said: /usage/ })
})
