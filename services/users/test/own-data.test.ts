import { randomUUID } from 'node:crypto'
import { tracedAs } from '@latchkey/contracts/queues/trace'
import { hmac } from '@latchkey/kit/key-ring'
import t from 'tap'
import { type Harness, harness, newChallengeId, newNames, newPhone, sql } from './harness.js'

const by = { operator: 'alice' }
const why = 'ticket 4711'

/** Every table that holds one of these. */
async function tablesWith(url: string, marks: readonly string[]): Promise<string[]> {
  const tables = await sql(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  )
  const looks = tables.map(
    ({ name }) =>
      `select '${String(name)}' where exists (select from "${String(name)}" t where to_jsonb(t)::text like any($1))`,
  )
  const found = await sql(url, looks.join(' union all '), [marks.map((mark) => `%${mark}%`)])
  return found.map((row) => String(Object.values(row)[0])).sort()
}

const hashOf = (h: Harness, kind: 'phone' | 'email', address: string) =>
  hmac(h.traceKey, tracedAs[kind], address).subarray(0, 16).toString('base64url')

/** Somebody with all that can be kept about a person, and a stranger beside him. */
async function somebody(h: Harness) {
  const names = { ...newNames(), name: `Asha ${randomUUID()}` }
  const { phone, user, session, challengeId } = await h.signUp({ ...names, profile: { city: 'Pune' } })
  await h.db.updateTable('users').set({ email_verified_at: new Date() }).where('id', '=', user.id).execute()
  await h.call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' })
  const moved = newPhone()
  await h.call('POST', '/phone-changes', {
    challengeId: newChallengeId(),
    phone: moved,
    sessionId: session.id,
    asOf: null,
    undoToken: randomUUID()
      .replace(/[^a-f]/g, 'g')
      .slice(0, 28),
  })
  const [messageId, at, traced] = [randomUUID(), new Date().toISOString(), newChallengeId()]
  const note = { requestId: 'r', route: 'POST /v1/signup', challengeId: traced, at }
  const [byPhone, byMail] = [hashOf(h, 'phone', moved), hashOf(h, 'email', names.email)]
  await h.services.traces.record({
    v: 1,
    events: [
      { id: randomUUID(), kind: 'opened', ...note, messageId, phone: byPhone, lastTwo: `••••••••${moved.slice(-2)}` },
      { id: randomUUID(), kind: 'wrong', ...note, attemptsLeft: 4 },
      {
        id: randomUUID(),
        kind: 'refused',
        requestId: 'r',
        route: 'r',
        at,
        email: byMail,
        emailFirst: 'a',
        limit: 'budget',
      },
    ],
  })
  await h.services.deliveries.record({
    v: 1,
    messageId,
    challengeId: traced,
    generation: 1,
    purpose: 'sign_in',
    country: 'IN',
    requestId: 'r',
    state: 'delivered',
    at,
  })
  const marks = [user.id, phone, moved, names.email, names.username, names.name, session.id, byPhone, byMail]
  return { ...names, phone, moved, user, session, challengeId, traced, marks }
}

t.test('everything that is kept about a person is given out, and nothing that opens anything', async (t) => {
  const h = await harness(t)
  const person = await somebody(h)
  const other = await h.signUp(newNames())
  for (const whose of [{ phone: person.moved }, { email: person.email }, { id: person.user.id }]) {
    const { status, body } = await h.call('POST', '/own-data/export', { by, whose, why })
    t.equal(status, 200)
    const text = JSON.stringify(body)
    for (const mark of [person.user.id, person.phone, person.moved, person.email, person.username, person.name, 'Pune'])
      t.match(text, mark, `${Object.keys(whose)[0]}: ${mark}`)
    t.match(body, {
      sessions: [{ id: person.session.id, face: 'v1' }],
      devices: [{ id: /.+/ }],
      undos: [{ phone: person.phone }],
      codes: [{}, {}],
    })
    for (const no of [other.phone, other.user.id, 'argon2', 'token_hash', 'token_key_id', 'password_hash'])
      t.notMatch(text, no)
  }
  t.match(await h.call('POST', '/own-data/export', { by, whose: { phone: newPhone() } }), {
    status: 200,
    body: { accounts: [], sessions: [], devices: [], undos: [], codes: [] },
  })
})

t.test('nothing of an erased person is left but what names nobody, and his phone is free', async (t) => {
  const h = await harness(t)
  for (const name of ['phone', 'email', 'id'] as const) {
    const person = await somebody(h)
    const other = await h.signUp(newNames())
    const whose = { phone: { phone: person.moved }, email: { email: person.email }, id: { id: person.user.id } }[name]
    t.ok((await tablesWith(h.databaseUrl, person.marks)).includes('phone_undos'), 'the search finds what is there')
    t.match(await h.call('POST', '/own-data/erase', { by, whose, why }), {
      status: 200,
      body: { accounts: 1, registrations: 0, notes: 3 },
    })
    const others = person.marks.filter((mark) => mark !== person.user.id)
    t.same(await tablesWith(h.databaseUrl, others), name === 'id' ? [] : ['audit'], 'the audit names a keyed hash')
    t.same(await tablesWith(h.databaseUrl, [person.user.id]), name === 'id' ? ['audit'] : [], 'the audit names an id')
    t.same(await tablesWith(h.databaseUrl, [person.traced]), ['sms_messages'], 'a message of nobody')
    t.same(await tablesWith(h.databaseUrl, [person.challengeId]), ['consumed_challenges'])
    t.match(await h.refresh(person.session.refreshToken), { status: 401 })
    t.match(await h.person(other.session.id), { status: 200 }, 'and nobody else is touched')
    t.match(await h.call('POST', '/own-data/erase', { by, whose, why }), { body: { accounts: 0, notes: 0 } })
    t.match((await h.signUp({ phone: person.phone })).user, { phone: person.phone })
  }
})

t.test(
  'a registration is told of and erased by what it claims, before anybody proves it, and what else it says is not told',
  async (t) => {
    const h = await harness(t)
    for (const kind of ['phone', 'email'] as const) {
      const claim = await h.register({ name: 'Asha' })
      const whose = { phone: { phone: claim.phone }, email: { email: claim.email } }[kind]
      const { body } = await h.call('POST', '/own-data/export', { by, whose })
      t.match(body, { accounts: [{ id: claim.user.id, active: false }] })
      const { phone, email } = claim
      const others = ['Asha', String(kind === 'phone' ? email : phone)]
      for (const text of others) t.notOk(JSON.stringify(body).includes(text), 'whose the rest is, nobody proved')
      t.match(await h.call('POST', '/own-data/erase', { by, whose }), { body: { accounts: 0, registrations: 1 } })
      t.same(await tablesWith(h.databaseUrl, [claim.user.id]), [])
    }
  },
)

t.test('a registration that is named by its own id is given out whole', async (t) => {
  const h = await harness(t)
  const { user } = await h.register({ name: 'Asha' })
  t.match(await h.call('POST', '/own-data/export', { by, whose: { id: user.id } }), {
    body: { accounts: [{ id: user.id, name: 'Asha' }] },
  })
})

t.test('whoever only says that an e-mail is his is neither given out by it nor erased', async (t) => {
  const h = await harness(t)
  const { email } = newNames()
  const { session } = await h.signUp({ email })
  t.match(await h.call('POST', '/own-data/export', { by, whose: { email } }), { body: { accounts: [] } })
  t.match(await h.call('POST', '/own-data/erase', { by, whose: { email } }), { body: { accounts: 0 } })
  t.match(await h.person(session.id), { status: 200 })
})

t.test(
  'who gave out or erased what stands in the audit, without number or e-mail; no token opens either',
  async (t) => {
    const h = await harness(t)
    const { phone, session } = await h.signUp()
    for (const what of ['export', 'erase']) {
      const whose = { phone }
      const refused = await h.call('POST', `/own-data/${what}`, { by: { sessionId: session.id }, whose })
      t.equal(refused.status, 400)
      await h.call('POST', `/own-data/${what}`, { by, whose, why })
      const { body } = await h.call('POST', '/audit', { by, limit: 1 })
      const target = `phone:${hashOf(h, 'phone', phone)}`
      t.match(body['entries'], [{ actor: 'cli:alice', action: `person.${what}`, target, why }])
      t.notMatch(JSON.stringify(body), phone.slice(1))
    }
  },
)
