import { randomUUID } from 'node:crypto'
import t from 'tap'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, harness, must, newChallengeId, sql } from './harness.js'

const dayMs = 24 * 3_600_000

const knownBy = (phone: string, deviceToken: string) => ({
  identifier: { kind: 'phone', value: phone },
  knownBy: { deviceToken },
})

t.test('a registration ends seven days after its last sign-in; an account never does', async (t) => {
  const { register, prove, logIn, db, services, advance, signUp } = await harness(t)
  const [idle, used, proved, withoutPhone] = [
    await register(),
    await register({ password: 'plum12' }),
    await register(),
    await register({ phone: null, username: null }),
  ]
  const { user } = await signUp()
  await prove(proved)
  const made = [idle, used, proved, withoutPhone, { user }]
  const left = async () => {
    await Promise.all([services.sweeps['registrations']?.(), services.sweeps['registrations']?.()])
    const ids = made.map((one) => one.user.id)
    const rows = await db.selectFrom('users').select('id').where('id', 'in', ids).execute()
    return ids.map((id) => rows.some((row) => row.id === id))
  }
  const signIn = { face: 'staged', registrations: { client: used.client, needsProof: false } }
  advance(7 * dayMs - 60_000)
  t.match(await logIn('phone', must(used.phone), 'plum12', signIn), { status: 200 })
  t.same(await left(), [true, true, true, true, true])
  advance(120_000)
  t.same(await left(), [false, true, true, true, true])
  advance(7 * dayMs)
  t.same(await left(), [false, false, true, true, true])
})

t.test(
  'what is over is kept for its time and then deleted: reset tokens, sessions, the fence of challenges',
  async (t) => {
    const { signUp, call, db, services, advance } = await harness(t)
    const { phone, challengeId, user } = await signUp()
    await call('POST', '/reset-tokens', { challengeId: newChallengeId(), phone, face: 'v1' })
    const count = async () => {
      for (const name of ['resetTokens', 'sessions', 'challenges']) await services.sweeps[name]?.()
      const of = (table: 'reset_tokens' | 'sessions') =>
        db.selectFrom(table).select('id').where('user_id', '=', user.id).execute()
      const fence = await db
        .selectFrom('consumed_challenges')
        .selectAll()
        .where('challenge_id', '=', challengeId)
        .execute()
      return [(await of('reset_tokens')).length, (await of('sessions')).length, fence.length]
    }
    t.same(await count(), [1, 1, 1])
    advance(dayMs)
    t.same(await count(), [1, 1, 1])
    advance(dayMs)
    t.same(await count(), [0, 1, 1])
    advance(57 * dayMs)
    t.same(await count(), [0, 1, 1], '30 days of life, 30 days kept')
    advance(2 * dayMs)
    t.same(await count(), [0, 0, 1])
    advance(28 * dayMs)
    t.same(await count(), [0, 0, 1], 'a code must stay used for as long as a copy of Redis may bring it back')
    advance(2 * dayMs)
    t.same(await count(), [0, 0, 0])
  },
)

t.test('a device is swept when it has been unknown for as long as a session of it may be kept', async (t) => {
  const { signUp, signIn, call, db, services, advance } = await harness(t)
  const { phone, user, session } = await signUp()
  const { deviceToken } = must((await signIn(phone)).body.session)
  await signIn(phone, deviceToken)
  const left = async () => {
    await Promise.all([services.sweeps['sessions']?.(), services.sweeps['sessions']?.()])
    await Promise.all([services.sweeps['devices']?.(), services.sweeps['devices']?.()])
    return (await db.selectFrom('devices').select('id').where('user_id', '=', user.id).execute()).length
  }
  t.equal(await left(), 3)
  await call('POST', `/sessions/${session.id}/end`, { all: true })
  const fresh = must((await signIn(phone)).body.session)
  advance(61 * dayMs - 60_000)
  t.equal(await left(), 4)
  advance(120_000)
  t.equal(await left(), 1, 'those that the end of all left unknown')
  t.match(await call('POST', '/people/find-phone', knownBy(phone, fresh.deviceToken)), { body: { known: true } })
  advance(119 * dayMs)
  t.equal(await left(), 1)
  t.match(await call('POST', '/people/find-phone', knownBy(phone, fresh.deviceToken)), { body: { known: false } })
  advance(62 * dayMs)
  t.equal(await left(), 0, 'and those that are too old')
})

t.test('no device is swept of which a session is left, however old', async (t) => {
  const { signUp, db, services, person } = await harness(t)
  const { user, session } = await signUp()
  const expires_at = new Date(Date.now() - 400 * dayMs)
  await db.updateTable('devices').set({ expires_at }).where('user_id', '=', user.id).execute()
  await services.sweeps['devices']?.()
  t.match(await person(session.id), { status: 200 })
})

t.test('more than one batch is swept in one go', async (t) => {
  const { db, services } = await harness(t)
  const at = new Date(Date.now() - 200 * dayMs)
  const rows = Array.from({ length: 1_100 }, () => ({ challenge_id: newChallengeId(), consumed_at: at }))
  await db.insertInto('consumed_challenges').values(rows).execute()
  t.ok(((await services.sweeps['challenges']?.()) ?? 0) >= 1_100)
})

t.test(
  'the delivery log goes after its days, once what they came to is written down, and the figures stay',
  async (t) => {
    const url = await createDatabase(t)
    await migrate(url)
    const { services, advance } = await harness(t, { url, keptDays: { deliveryLog: 30, trace: 30 } })
    const midnight = Math.floor(Date.now() / dayMs) * dayMs
    const send = async (takenAt: number) => {
      const [messageId, sid, at] = [randomUUID(), randomUUID(), new Date(takenAt).toISOString()]
      await services.deliveries.record({
        v: 1,
        messageId,
        challengeId: newChallengeId(),
        generation: 1,
        purpose: 'sign_in',
        country: 'IN',
        requestId: 'r',
        state: 'accepted',
        at,
        attempt: {
          number: 1,
          provider: 'twilio',
          outcome: 'accepted',
          providerMessageId: sid,
          startedAt: at,
          endedAt: at,
        },
      })
      const told = { provider: 'twilio', providerMessageId: sid, state: 'delivered' as const, at }
      await services.deliveries.receive({ v: 2, kind: 'receipt', messageId, ...told })
    }
    // More than a batch on one side of the midnight, one on the other.
    for (let n = 0; n < 3; n += 1) await send(midnight - 1_000)
    await sql(
      url,
      `insert into sms_messages select gen_random_uuid(), 'c' || n, 1, 'sign_in', 'IN', 'r', 'failed', 4, null, $1, $1 from generate_series(1, 1200) n`,
      [new Date(midnight - 1_000)],
    )
    await send(midnight)
    const left = () =>
      sql(
        url,
        `select (select count(*)::int from sms_messages) as messages, (select count(*)::int from sms_attempts) as attempts,
        (select count(*)::int from sms_receipts) as receipts`,
      )
    const day = new Date(midnight - 1_000).toISOString().slice(0, 10)
    advance(midnight + 30 * dayMs - Date.now() - 60_000)
    await services.conversions.writeDays()
    await services.sweeps['deliveryLog']?.()
    t.same(await left(), [{ messages: 1_204, attempts: 4, receipts: 4 }], 'a day is kept to its end')
    await sql(url, 'delete from conversion_written where day = $1', [day])
    advance(120_000)
    t.equal(await services.sweeps['deliveryLog']?.(), 0, 'nothing goes of which the figures are not written down')
    await services.conversions.writeDays()
    const both = await Promise.all([services.sweeps['deliveryLog']?.(), services.sweeps['deliveryLog']?.()])
    t.equal((both[0] ?? 0) + (both[1] ?? 0), 1_203)
    t.same(await left(), [{ messages: 1, attempts: 1, receipts: 1 }])
    t.match(await services.conversions.read({ from: day, to: day }), [{ day, sent: 3, delivered: 3 }])
  },
)

t.test('what is swept of the delivery log and the trace is found by an index', async (t) => {
  const url = await createDatabase(t)
  await migrate(url)
  const { db } = await harness(t, { url })
  await sql(
    url,
    `insert into sms_messages select gen_random_uuid(), 'c' || n, 1, 'sign_in', 'IN', 'r', 'failed', 4, null, at, at
      from generate_series(1, 5000) n, lateral (select now() - n * interval '1 minute' as at) x`,
  )
  await sql(
    url,
    `insert into message_trace (id, at, kind, request_id, route) select gen_random_uuid(), now() - n * interval '1 minute', 'right', 'r', 'r'
      from generate_series(1, 5000) n`,
  )
  await sql(url, 'analyze')
  const before = new Date(Date.now() - 3 * dayMs)
  const plan = async (query: { explain(format: 'json'): Promise<unknown> }) =>
    JSON.stringify(await query.explain('json'))
  const messages = db.selectFrom('sms_messages').select('id').where('first_at', '<', before).limit(500)
  const events = db.selectFrom('message_trace').select('id').where('at', '<', before).limit(500)
  t.match(await plan(messages), /sms_messages_first_at/)
  t.match(await plan(events), /message_trace_at/)
})
