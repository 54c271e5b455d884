import { randomUUID } from 'node:crypto'
import type { AttemptOutcome } from '@latchkey/contracts/delivery'
import t from 'tap'
import { readSmsPrices } from '@latchkey/contracts/sms-prices'
import { type Harness, harness, newChallengeId, sql } from './harness.js'

const by = { operator: 'alice' }
const day = '2026-03-10'
const at = (seconds: number) => new Date(Date.parse(`${day}T12:00:00Z`) + seconds * 1_000).toISOString()

interface Sent {
  provider: string
  takenAt: number
  told?: 'delivered' | 'undelivered'
  price?: string
  currency?: string
  segments?: number
  outcome?: AttemptOutcome
}

/** A challenge with one message for each of these attempts, and when it was answered rightly. */
async function challenge(h: Harness, country: string, sends: readonly Sent[], verifiedAt?: number) {
  const challengeId = newChallengeId()
  for (const { provider, takenAt, told, price, currency, segments, outcome = 'accepted' } of sends) {
    const [messageId, sid] = [randomUUID(), randomUUID()]
    await h.services.deliveries.record({
      v: 1,
      messageId,
      challengeId,
      generation: 1,
      purpose: 'sign_in',
      country,
      requestId: 'r',
      state: outcome === 'accepted' ? 'accepted' : 'sending',
      at: at(takenAt),
      attempt: {
        number: 1,
        provider,
        outcome,
        providerMessageId: sid,
        startedAt: at(takenAt - 1),
        endedAt: at(takenAt),
      },
    })
    if (told !== undefined)
      await h.services.deliveries.receive({
        v: 2,
        kind: 'receipt',
        messageId,
        provider,
        providerMessageId: sid,
        state: told,
        at: at(takenAt + 2),
        ...(price !== undefined && { price }),
        ...(currency !== undefined && { currency }),
        ...(segments !== undefined && { segments }),
      })
  }
  if (verifiedAt !== undefined)
    await sql(h.databaseUrl, 'insert into consumed_challenges values ($1, $2)', [challengeId, at(verifiedAt)])
}

t.test('a right answer counts for one message: the latest before it, rather one that was not lost', async (t) => {
  const prices = readSmsPrices('twilio * 0.05 USD; twilio IN 0.01 USD; messagecentral IN 0.25 INR')
  const h = await harness(t, { prices })
  const rowsOf = async (country: string) => {
    const { status, body } = await h.call('POST', '/conversion', { by, from: day, to: day })
    if (status !== 200) throw new Error(JSON.stringify(body))
    return (body['rows'] as { country: string }[]).filter((row) => row.country === country)
  }
  const receipt = { told: 'delivered', price: '0.0079', currency: 'USD' } as const
  // Sent again through the other carrier; the answer came after both.
  await challenge(
    h,
    'IN',
    [
      { provider: 'twilio', takenAt: 0, ...receipt },
      { provider: 'messagecentral', takenAt: 40 },
    ],
    50,
  )
  // The second copy was lost: the first was typed.
  await challenge(
    h,
    'IN',
    [
      { provider: 'twilio', takenAt: 0, ...receipt },
      { provider: 'messagecentral', takenAt: 40, told: 'undelivered' },
    ],
    60,
  )
  // The second copy came after the answer.
  await challenge(
    h,
    'IN',
    [
      { provider: 'twilio', takenAt: 0, ...receipt },
      { provider: 'messagecentral', takenAt: 90 },
    ],
    30,
  )
  await challenge(h, 'IN', [{ provider: 'twilio', takenAt: 0, segments: 2, told: 'delivered' }])
  // Nobody took these, and nobody was there.
  await challenge(h, 'IN', [{ provider: 'twilio', takenAt: 0, outcome: 'not_sent' }], 9)
  await challenge(h, 'IN', [{ provider: 'decoy-twilio', takenAt: 0 }])
  t.same(await rowsOf('IN'), [
    {
      day,
      country: 'IN',
      provider: 'messagecentral',
      sent: 3,
      delivered: 0,
      undelivered: 1,
      verified: 1,
      medianSeconds: 10,
      cost: { INR: '0.750000' },
      costPerVerified: { INR: '0.750000' },
      unpriced: 0,
    },
    {
      day,
      country: 'IN',
      provider: 'twilio',
      sent: 4,
      delivered: 4,
      undelivered: 0,
      verified: 2,
      medianSeconds: 45,
      // Three receipts, and two segments by the table.
      cost: { USD: '0.043700' },
      costPerVerified: { USD: '0.021850' },
      unpriced: 0,
    },
  ])
  await challenge(h, 'FR', [{ provider: 'messagecentral', takenAt: 0 }])
  t.match(await rowsOf('FR'), [
    { sent: 1, verified: 0, medianSeconds: null, cost: {}, costPerVerified: {}, unpriced: 1 },
  ])
})

t.test('thousands of codes are counted in time, in a database that has no statistics yet', async (t) => {
  const h = await harness(t)
  const busy = '2026-04-10'
  await sql(
    h.databaseUrl,
    `with made as materialized (
      select gen_random_uuid() as id, 'busy-' || n as code, timestamptz '${busy}T01:00:00Z' + n * interval '1 second' as at
      from generate_series(1, 4000) n
    ), messages as (
      insert into sms_messages (id, challenge_id, generation, purpose, country, request_id, state, rank, first_at, last_at)
      select id, code, 1, 'sign_in', 'GB', 'r', 'accepted', 3, at, at from made
    ), used as (
      insert into consumed_challenges (challenge_id, consumed_at) select code, at + interval '7 seconds' from made
    )
    insert into sms_attempts (message_id, number, provider, outcome, provider_message_id, started_at, ended_at)
    select id, 1, 'twilio', 'accepted', id::text, at, at from made`,
  )
  t.match(await h.call('POST', '/conversion', { by, from: busy, to: busy }), {
    status: 200,
    body: { rows: [{ sent: 4_000, verified: 4_000, medianSeconds: 7 }] },
  })
})

t.test('days are those of UTC, the last one included, and 31 at most; only admins ask', async (t) => {
  const h = await harness(t)
  await challenge(h, 'NZ', [{ provider: 'twilio', takenAt: 12 * 3_600 - 1 }])
  await challenge(h, 'NZ', [{ provider: 'twilio', takenAt: 12 * 3_600 }])
  const ask = (body: object) => h.call('POST', '/conversion', { by, ...body })
  const { body } = await ask({ from: day, to: '2026-03-11' })
  t.match(
    (body['rows'] as { country: string }[]).filter(({ country }) => country === 'NZ'),
    [
      { day, sent: 1 },
      { day: '2026-03-11', sent: 1 },
    ],
  )
  t.match(await ask({ from: '2026-03-12', to: day }), { status: 400 })
  t.match(await ask({ from: '2026-03-01', to: '2026-04-01' }), { status: 400 })
  t.match(await ask({ from: '2026-02-30' }), { status: 400 })
  t.match(await ask({}), { status: 200 })
  const { session } = await h.signUp()
  t.equal((await h.call('POST', '/conversion', { by: { sessionId: session.id } })).status, 403)
})

t.test('a table of prices that cannot be read says which entry', async (t) => {
  t.same(readSmsPrices(' twilio IN 0.0079 USD ; messagecentral * 1 INR;'), [
    { provider: 'twilio', country: 'IN', price: '0.0079', currency: 'USD' },
    { provider: 'messagecentral', country: '*', price: '1', currency: 'INR' },
  ])
  for (const [text, said] of [
    ['twilio IN 0.0079 USD; twilio IN,US 1 USD', /entry 2/],
    ['twilio IN -1 USD', /entry 1/],
    ['twilio IN 1', /entry 1/],
    ['twilio IN 1 USD; twilio IN 2 USD', /twilio IN stands twice/],
  ] as const)
    t.throws(() => readSmsPrices(text), said)
})
