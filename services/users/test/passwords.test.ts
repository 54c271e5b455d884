import { parseOptions } from '@node-rs/argon2'
import t from 'tap'
import { createPasswordHasher, hashOfNothing } from '../src/credentials/password-hasher.js'
import { isPossible, normalizePassword, weaknesses } from '../src/credentials/password-policy.js'

const phone = '+919876543210'
const email = 'asha.rao@example.com'
const refused = (password: string) => weaknesses(password, { phone, email, rules: 'standard' })

t.test('a password nobody would guess is accepted, in any script', async (t) => {
  for (const password of [
    'plum trombone harbour',
    'пароль-лошади',
    '🦊🦊🦊🦊🦊🦊🦊🦉',
    'x'.repeat(127) + 'y',
    'a1b2c3d4e5!Z',
  ])
    t.same(refused(password), [], password.slice(0, 12))
})

t.test('length is counted in code points of the composed text', async (t) => {
  t.match(refused('fox 🦊🦊🦊'), [/shorter than 8/])
  t.match(refused('é'.normalize('NFD').repeat(7)), [/shorter than 8/])
  t.same(refused('é'.normalize('NFD').repeat(128)), [])
  t.match(refused('z'.repeat(129)), [/longer than 128/])
  t.match(refused('é'.repeat(129)), [/longer than 128/])
})

t.test('what is no text is refused, and is never compared', async (t) => {
  for (const password of ['plum\0trombone', 'plum \ud800 trombone', 'plum trombone \udc00']) {
    t.match(refused(password), [/not text/])
    t.equal(isPossible(password), false)
  }
  t.equal(isPossible('z'.repeat(129)), false)
  t.equal(isPossible('é'.normalize('NFD').repeat(128)), true)
})

t.test('common passwords are refused in whatever case', async (t) => {
  for (const password of ['password', 'Password1', '12345678', 'QWERTYUIOP', 'iloveyou', 'football'])
    t.match(refused(password), [/most often/], password)
})

t.test('the phone number is refused in any spelling', async (t) => {
  for (const password of [
    '+919876543210',
    '919876543210',
    '9876543210',
    '09876543210',
    '00919876543210',
    '+91 98765 43210',
    '(98765) 43-210',
    '98765.43210',
    '98765/43210',
    '９８７６５４３２１０',
  ])
    t.match(refused(password), [/phone number/], password)
  for (const password of ['9876543211', '976543210', '9876543210 plum'])
    t.notMatch(refused(password), [/phone number/], password)
})

t.test('the e-mail address and its local part are refused in any case', async (t) => {
  for (const password of ['asha.rao@example.com', 'Asha.Rao@Example.com', 'asha.rao', ' ASHA.RAO '])
    t.match(refused(password), [/e-mail/], password)
  t.same(refused('asha.rao+plum'), [])
})

t.test('both compositions of one password are one password', async (t) => {
  t.equal(normalizePassword('härbour'.normalize('NFD')), normalizePassword('härbour'.normalize('NFC')))
})

t.test('the hash that stands for no password costs what a real one costs', async (t) => {
  const hasher = createPasswordHasher({ atOnce: 1 })
  const real = await hasher.hash('plum trombone harbour')
  t.same(parseOptions(hashOfNothing), parseOptions(real))
  t.match(parseOptions(real), { memoryCost: 19_456, timeCost: 2, parallelism: 1 })
  t.ok(real.startsWith('$argon2id$'))
  t.equal(hasher.isOutdated(real), false)
  t.equal(hasher.isOutdated(real.replace('argon2id', 'argon2i')), true)
})

t.test('no more hashes than allowed are made at once, a few wait, and the rest are told to come again', async (t) => {
  const hasher = createPasswordHasher({ atOnce: 2, waitingMax: 3 })
  const results = await Promise.allSettled(Array.from({ length: 12 }, () => hasher.hash('plum trombone harbour')))
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
  const refusals = results.filter((result) => result.status === 'rejected')
  t.ok(refusals.every(({ reason }) => (reason as { code?: string }).code === 'unavailable'))
  t.equal(await hasher.verify(await hasher.hash('again'), 'again'), true, 'and the queue empties')
})

t.test('whose turn comes too late is told to come again, without a hash', async (t) => {
  const hasher = createPasswordHasher({ atOnce: 1, waitingMax: 1_500 })
  const began = performance.now()
  const results = await Promise.allSettled(Array.from({ length: 1_500 }, () => hasher.hash('plum trombone harbour')))
  t.ok(performance.now() - began < 2_000, 'no later than his caller gives up')
  const served = results.filter(({ status }) => status === 'fulfilled').length
  t.ok(served >= 1 && served <= 1_000, `${served} of ${results.length} were served`)
  const refusals = results.filter((result) => result.status === 'rejected')
  t.ok(refusals.every(({ reason }) => (reason as { code?: string }).code === 'unavailable'))
  t.ok(refusals.every(({ reason }) => (reason as { effect?: string }).effect === 'none'))
  t.equal(await hasher.verify(await hasher.hash('again'), 'again'), true)
})
