import { randomUUID } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import type { Redis } from 'ioredis'
import t from 'tap'
import { addressOfPhone } from '../src/flows/addresses.js'
import { createChooseChallenge } from '../src/flows/choose-challenge.js'
import {
  challengeHarness,
  facePolicy,
  minute,
  neighbourOf,
  numbers,
  randomClient,
  randomPhone,
  second,
} from './challenge-harness.js'

t.test('an address leads to the challenges of three clients, oldest first, each with its registration', async (t) => {
  const { store, openFound } = await challengeHarness(t)
  const phone = randomPhone()
  const clients = [randomClient(), randomClient(), randomClient()]
  const opened = []
  for (const client of clients)
    opened.push(await openFound(client, { phone, registrationId: randomUUID(), mayStayUnsent: true }))
  const address = addressOfPhone('staged', 'sign_up', phone)
  const found = await store.candidates(address, randomClient())
  t.same(
    found.map(({ id }) => id),
    opened.map(({ id }) => id),
  )
  t.same(
    found.map(({ openedBy }) => openedBy),
    clients.map(({ key }) => key),
  )
  t.equal(new Set(found.map(({ registrationId }) => registrationId)).size, 3)
  const elsewhere = addressOfPhone('staged', 'sign_in', phone)
  t.same(await store.candidates(elsewhere, randomClient()), [], 'another purpose is another address')
})

t.test('a used, a cancelled and an expired challenge are no longer found', async (t) => {
  const { store, openFound, foundBy, clock, code, redis, keys } = await challengeHarness(t)
  const client = randomClient()
  const used = await openFound(client)
  const answered = await store.answer(used.id, code, 'staged', { client })
  if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
  t.equal((await store.candidates(used.address, client)).length, 1, 'while it is held it is there')
  await store.settle(answered.claim)
  t.same(await store.candidates(used.address, client), [])
  t.equal(await redis.exists(keys.index(keys.address(used.address))), 0, 'and nothing is left of it')

  const wish = foundBy(client)
  const lost = await store.open(wish)
  if (lost.verdict !== 'opened') throw new Error(lost.verdict)
  await store.cancel(lost.challenge, wish, { refund: true })
  t.same(await store.candidates(wish.found.address, client), [])
  t.match(await store.open(wish), { verdict: 'opened' }, 'its send was given back')

  const expiring = await openFound(client)
  clock.offsetMs = 5 * minute
  t.same(await store.candidates(expiring.address, client), [])
})

for (const [what, again] of [
  ['client', () => ({ client: undefined, registrationId: randomUUID() })],
  ['registration', () => ({ client: randomClient(), registrationId: undefined })],
] as const) {
  t.test(`a newer challenge of the same ${what} ends the older: no code is left of it`, async (t) => {
    const { store, openFound, code, redis, keys } = await challengeHarness(t)
    const phone = randomPhone()
    const first = { client: randomClient(), registrationId: randomUUID() }
    const { id, address } = await openFound(first.client, { phone, registrationId: first.registrationId })
    const next = again()
    const newer = await openFound(next.client ?? first.client, {
      phone,
      registrationId: next.registrationId ?? first.registrationId,
      mayStayUnsent: true,
    })
    t.match(await store.candidates(address, first.client), [{ id: newer.id }])
    const left = await redis.hgetall(keys.challenge(id))
    t.equal(left['state'], 'superseded')
    t.notOk(left['mac'] ?? left['box'] ?? left['pending'] ?? left['subject'] ?? left['found'])
    t.same(await store.answer(id, code, 'staged', { client: first.client }), { verdict: 'gone' })
    t.same(await store.resend(id, 'staged', facePolicy, numbers), { verdict: 'gone' })
  })
}

t.test(
  'a fourth replaces the oldest to which no SMS went, else the oldest; who was sent to later counts as sent',
  async (t) => {
    const { store, openFound, clock } = await challengeHarness(t)
    const phone = randomPhone()
    const open = () => openFound(randomClient(), { phone, mayStayUnsent: true })
    const sent = await open()
    const [b, c, d] = [await open(), await open(), await open()]
    t.same(
      [sent, b, c, d].map((challenge) => challenge.sent),
      [true, false, false, false],
    )
    const ids = async () => (await store.candidates(sent.address, randomClient())).map(({ id }) => id)
    t.same(await ids(), [sent.id, c.id, d.id])

    clock.offsetMs = 31 * second
    t.match(await store.resend(c.id, 'staged', facePolicy, numbers), { verdict: 'resent' })
    const e = await open()
    t.same(await ids(), [sent.id, c.id, e.id])
    clock.offsetMs = 62 * second
    t.match(await store.resend(e.id, 'staged', facePolicy, numbers), { verdict: 'resent' })
    const f = await open()
    t.same(await ids(), [c.id, e.id, f.id])
  },
)

t.test('a used one makes room before anybody is replaced', async (t) => {
  const { store, openFound, code } = await challengeHarness(t)
  const phone = randomPhone()
  const open = () => openFound(randomClient(), { phone, mayStayUnsent: true })
  const ids = async () => (await store.candidates(used.address, randomClient())).map(({ id }) => id)
  const used = await open()
  const [b, c] = [await open(), await open()]
  const answered = await store.answer(used.id, code, 'staged')
  if (answered.verdict !== 'claimed') throw new Error(answered.verdict)
  await store.settle(answered.claim)
  const d = await open()
  t.same(await ids(), [b.id, c.id, d.id])
})

t.test('an expired one that was sent makes room before a live one that was not', async (t) => {
  const { store, openFound, clock } = await challengeHarness(t)
  const phone = randomPhone()
  const open = async (atMs: number) => {
    clock.offsetMs = atMs
    return openFound(randomClient(), { phone, mayStayUnsent: true })
  }
  const [first, next, unsent] = [await open(0), await open(31 * second), await open(45 * second)]
  t.same([first.sent, next.sent, unsent.sent], [true, true, false])
  const newest = await open(335 * second)
  const found = await store.candidates(unsent.address, randomClient())
  t.same(
    found.map(({ id }) => id),
    [unsent.id, newest.id],
  )
})

t.test('ten of ten clients at once leave three, and all others are ended', async (t) => {
  const { store, openFound, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  const opened = await Promise.all(
    Array.from({ length: 10 }, () => openFound(randomClient(), { phone, mayStayUnsent: true })),
  )
  const found = await store.candidates(addressOfPhone('staged', 'sign_up', phone), randomClient())
  t.equal(found.length, 3)
  t.ok(
    found.some(({ id }) => opened.find((challenge) => challenge.id === id)?.sent),
    'the one that was sent is there',
  )
  const states = await Promise.all(opened.map(({ id }) => redis.hget(keys.challenge(id), 'state')))
  t.equal(states.filter((state) => state === 'superseded').length, 7)
})

t.test('where the address cannot be written the challenge is taken back with its send', async (t) => {
  const { store, foundBy, redis, keys } = await challengeHarness(t)
  const wish = foundBy(randomClient())
  const index = keys.index(keys.address(wish.found.address))
  await redis.hset(index, 'not', 'ours')
  await t.rejects(store.open(wish), { code: 'unavailable' })
  const sends = keys.sends(keys.subject(wish.subject))
  await eventually('the send to be given back', async () => ((await redis.zcard(sends)) === 0 ? true : undefined))
  await redis.del(index)
  t.match(await store.open(wish), { verdict: 'opened' })
})

t.test(
  'inside the cooldown a challenge opens unsent; its first send is no resend and keeps code and end',
  async (t) => {
    const { store, openFound, clock, code } = await challengeHarness(t)
    const phone = randomPhone()
    const first = await openFound(randomClient(), { phone })
    const client = randomClient()
    const unsent = await openFound(client, { phone, mayStayUnsent: true })
    t.match(unsent, { sent: false, resendAt: first.resendAt, resendsLeft: facePolicy.resends })
    t.match(
      await store.resend(unsent.id, 'staged', facePolicy, numbers),
      { verdict: 'cooling', retryAt: first.resendAt, challenge: { sent: false } },
      'still too soon, and nothing to be sent',
    )
    clock.offsetMs = 30 * second
    t.match(await store.resend(unsent.id, 'staged', facePolicy, numbers), {
      verdict: 'resent',
      challenge: { sent: true, generation: 1, resendsLeft: facePolicy.resends, expiresAt: unsent.expiresAt },
    })
    clock.offsetMs = 60 * second
    t.match(await store.resend(unsent.id, 'staged', facePolicy, numbers), {
      verdict: 'resent',
      challenge: { resendsLeft: facePolicy.resends - 1 },
    })
    const answered = await store.answer(unsent.id, code, 'staged', { client })
    t.match(answered, { verdict: 'claimed', claim: { openedAt: unsent.openedAt } })
  },
)

t.test('one that may not be resent at all is sent once', async (t) => {
  const { store, openFound, clock } = await challengeHarness(t)
  const phone = randomPhone()
  await openFound(randomClient(), { phone })
  const rules = { ...facePolicy, resends: 0 }
  const { id } = await openFound(randomClient(), { phone, mayStayUnsent: true, policy: rules })
  clock.offsetMs = 30 * second
  t.match(await store.resend(id, 'staged', rules, numbers), { verdict: 'resent' })
  clock.offsetMs = 60 * second
  t.match(await store.resend(id, 'staged', rules, numbers), { verdict: 'spent' })
})

t.test('an unsent challenge spends nothing, past a budget too; without leave nothing is opened', async (t) => {
  const { store, openFound, foundBy, clock, redis, keys } = await challengeHarness(t)
  const phone = randomPhone()
  for (let n = 0; n < 6; n++) {
    await openFound(randomClient(), { phone })
    clock.offsetMs += 31 * second
  }
  t.match(await store.open(foundBy(randomClient(), { phone })), { verdict: 'cooling' })
  t.match(await openFound(randomClient(), { phone, mayStayUnsent: true }), { sent: false })
  t.equal(await redis.zcard(keys.sends(keys.subject(phone))), 6)
})

t.test('past half of its life the first send of an unsent challenge is a new code with a full life', async (t) => {
  const { store, openFound, clock } = await challengeHarness(t)
  const phone = randomPhone()
  await openFound(randomClient(), { phone })
  const client = randomClient()
  const { id, expiresAt, address } = await openFound(client, { phone, mayStayUnsent: true })
  clock.offsetMs = 200 * second
  const resent = await store.resend(id, 'staged', facePolicy, numbers)
  if (resent.verdict !== 'resent') throw new Error(resent.verdict)
  t.match(resent.challenge, { generation: 2, sent: true })
  clock.offsetMs = expiresAt.getTime() - resent.challenge.openedAt.getTime() + second
  t.match(
    await store.candidates(address, client),
    [{ id, state: 'live' }],
    'the address keeps it as long as its code lives',
  )
  await openFound(randomClient(), { phone, mayStayUnsent: true })
  t.equal((await store.candidates(address, client)).length, 2)
})

t.test('two registrations of one phone, in either order: nobody is given the challenge of the other', async (t) => {
  const { store, openFound } = await challengeHarness(t)
  const choose = createChooseChallenge(store)
  const caller = { requestId: 'test', face: 'staged', locale: 'en' }
  for (const order of ['attacker first', 'attacker second']) {
    const phone = randomPhone()
    const owner = { client: randomClient(), registrationId: randomUUID() }
    const attacker = { client: neighbourOf(owner.client), registrationId: randomUUID() }
    const ids = new Map<object, string>()
    for (const who of order === 'attacker first' ? [attacker, owner] : [owner, attacker])
      ids.set(who, (await openFound(who.client, { phone, registrationId: who.registrationId, mayStayUnsent: true })).id)
    const address = addressOfPhone('staged', 'sign_up', phone)

    for (const who of [owner, attacker])
      t.equal((await choose(address, { ...caller, client: who.client }))?.id, ids.get(who), order)
    const moved = { ...caller, client: randomClient() }
    t.equal(await choose(address, moved), undefined, 'who is neither is given none')
    t.equal((await choose(address, { ...moved, userId: owner.registrationId }))?.id, ids.get(owner), 'a token selects')
  }
})

t.test('who comes with the token of one registration is not given the only challenge of another', async (t) => {
  const { store, openFound } = await challengeHarness(t)
  const choose = createChooseChallenge(store)
  const attacker = randomClient()
  const { id, address } = await openFound(attacker, { registrationId: randomUUID() })
  const caller = { requestId: 'test', face: 'staged', locale: 'en' }
  t.equal(await choose(address, { ...caller, client: randomClient(), userId: randomUUID() }), undefined)
  t.equal(
    (await choose(address, { ...caller, client: randomClient() }))?.id,
    id,
    'without a token the only one is meant',
  )
  t.equal(
    (await choose(address, { ...caller, client: attacker, userId: randomUUID() }))?.id,
    id,
    'a client means its own',
  )
})

t.test(
  'who has a registration of his own is not given the only challenge of another: its code was never meant for him',
  async (t) => {
    const { store, openFound } = await challengeHarness(t)
    const choose = createChooseChallenge(store)
    const registrationId = randomUUID()
    const { id, address } = await openFound(randomClient(), { registrationId })
    const caller = { requestId: 'test', face: 'users-api', locale: 'en', client: randomClient() }
    t.equal(await choose(address, caller, randomUUID()), undefined)
    t.equal((await choose(address, caller, registrationId))?.id, id, 'his own is his, from wherever he comes')
  },
)

t.test('the code of a live challenge can be shown; nothing is shown of a decoy or an end', async (t) => {
  const { store, openFound, code, clock } = await challengeHarness(t)
  const { id, address } = await openFound(randomClient())
  t.equal(await store.codeOf(id), code)
  t.equal(await store.codeOf(await store.decoy(address, randomClient(), facePolicy)), undefined)
  clock.offsetMs = 5 * minute
  t.equal(await store.codeOf(id), undefined)
})

t.test('the index of an address tells no phone, and every script of an address stays in one slot', async (t) => {
  const { store, openFound, foundBy, redis, keys, clock, code, wrongCode } = await challengeHarness(t)
  const calls: string[][] = []
  type Sent = Parameters<Redis['sendCommand']>
  const send: (...sent: Sent) => unknown = redis.sendCommand.bind(redis)
  redis.sendCommand = (...sent: Sent) => {
    const [{ name, args }] = sent
    calls.push([name, ...args.map(String)])
    return send(...sent)
  }

  const client = randomClient()
  const phone = randomPhone()
  await openFound(client, { phone })
  const { id, address } = await openFound(client, { phone, mayStayUnsent: true })
  const text = `${keys.index(keys.address(address))} ${await redis.get(keys.index(keys.address(address)))}`
  t.notMatch(text, phone.slice(3))
  await store.answer(id, wrongCode, 'staged', { client })
  clock.offsetMs = 30 * second
  await store.candidates(address, client)
  await store.resend(id, 'staged', facePolicy, numbers)
  const answered = await store.answer(id, code, 'staged', { client })
  if (answered.verdict === 'claimed') await store.settle(answered.claim)
  await store.decoy(address, client, facePolicy)
  await store.sendable(address, client)
  const decoy = foundBy(client, { message: { kind: 'decoy' } })
  const opened = await store.open(decoy)
  clock.offsetMs = 60 * second
  if (opened.verdict === 'opened') {
    await store.resend(opened.challenge.id, 'staged', facePolicy, numbers, {
      typed: { identifier: decoy.subject, limited: true },
      known: false,
    })
    await store.cancel(opened.challenge, decoy, { refund: true })
  }

  const scripts = calls.filter(([name]) => /^eval(sha)?$/i.test(name ?? ''))
  t.ok(scripts.length > 15, `${scripts.length} scripts ran`)
  for (const [, , keyCount, ...rest] of scripts) {
    const tags = rest.slice(0, Number(keyCount)).map((key) => /\{(.+)\}/.exec(key)?.[1])
    t.equal(new Set(tags).size, 1, tags.join())
  }
})
