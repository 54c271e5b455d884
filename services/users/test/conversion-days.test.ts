import { randomInt, randomUUID } from 'node:crypto'
import { readSmsPrices } from '@latchkey/contracts/sms-prices'
import t, { type Test } from 'tap'
import { countConversion } from '../src/conversion/conversion.repository.js'
import { migrate } from '../src/migrations/index.js'
import { createDatabase, type Harness, harness, newChallengeId, sql } from './harness.js'

const dayMs = 24 * 3_600_000
const prices = readSmsPrices('twilio * 0.05 USD; twilio IN 0.0079 USD; messagecentral IN 0.25 INR')
const today = Date.parse(new Date().toISOString().slice(0, 10))
/** The midnight that so many days lie behind. */
const midnight = (days: number) => today - days * dayMs
const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10)

/** A database whose sessions live half an hour beside every hour of UTC. */
async function inIndia(t: Test): Promise<Harness> {
  const url = await createDatabase(t)
  await sql(url, `alter database "${new URL(url).pathname.slice(1)}" set timezone to 'Asia/Kolkata'`)
  await migrate(url)
  return harness(t, { url, prices })
}

interface Send {
  readonly messageId: string
  readonly sid: string
  readonly provider: string
}

/** One message of a challenge that a carrier took at a time. */
async function send(h: Harness, challengeId: string, provider: string, takenAt: number, country = 'IN'): Promise<Send> {
  const [messageId, sid] = [randomUUID(), randomUUID()]
  const [at, startedAt] = [new Date(takenAt).toISOString(), new Date(takenAt - 400).toISOString()]
  const attempt = {
    number: 1,
    provider,
    outcome: 'accepted' as const,
    providerMessageId: sid,
    startedAt,
    endedAt: at,
  }
  await h.services.deliveries.record({
    v: 1,
    messageId,
    challengeId,
    generation: 1,
    purpose: 'sign_in',
    country,
    requestId: 'r',
    state: 'accepted',
    at,
    attempt,
  })
  return { messageId, sid, provider }
}

const tell = (
  h: Harness,
  { sid, ...message }: Send,
  state: 'delivered' | 'undelivered',
  at: number,
  more: object = {},
) =>
  h.services.deliveries.receive({
    v: 2,
    kind: 'receipt',
    ...message,
    providerMessageId: sid,
    state,
    at: new Date(at).toISOString(),
    ...more,
  })

const answer = (h: Harness, challengeId: string, at: number) =>
  sql(h.databaseUrl, 'insert into consumed_challenges values ($1, $2)', [challengeId, new Date(at)])

/** What the log says of each day, asked of the log. */
async function plain(h: Harness, days: readonly number[]) {
  const counted = days.map((day) => countConversion(h.db, { from: new Date(day), to: new Date(day + dayMs), prices }))
  return (await Promise.all(counted))
    .flat()
    .map(({ median_seconds: median, cost_per_verified: costPerVerified, ...row }) => ({
      ...row,
      medianSeconds: median === null ? null : Math.round(median * 10) / 10,
      costPerVerified,
    }))
}

/** Days that are told from what was written down. */
async function written(h: Harness): Promise<string[]> {
  const rows = await sql(
    h.databaseUrl,
    'select day::text from conversion_written w where not exists (select from conversion_late l where l.day = w.day) order by 1',
  )
  return rows.map(({ day }) => String(day))
}

const pick = <T>(...of: readonly [T, ...T[]]): T => of[randomInt(of.length)] ?? of[0]

/** A challenge of up to three sends that may reach over midnight, with receipts, prices and an answer, or none. */
async function anyChallenge(h: Harness, around: number): Promise<Send[]> {
  const id = newChallengeId()
  const began = around + randomInt(-600_000, 600_000)
  const sends: Send[] = []
  for (let n = 0; n < pick(1, 2, 3); n += 1) {
    const at = began + n * randomInt(30_000, 300_000)
    const sent = await send(h, id, pick('twilio', 'messagecentral'), at, pick('IN', 'IN', 'GB'))
    sends.push(sent)
    const price = pick({}, { price: '0.0079', currency: 'USD' }, { price: '0.31', currency: 'INR' }, { price: '1' })
    if (pick(true, false))
      await tell(h, sent, pick('delivered', 'undelivered'), at + 3_000, { ...price, segments: pick(1, 2) })
  }
  if (pick(true, true, false)) await answer(h, id, began + randomInt(5_000, 900_000))
  return sends
}

t.test('what was written down of a day is what the log says, also once more was heard of it', async (t) => {
  const h = await inIndia(t)
  const days = [5, 4, 3, 2, 1, 0].map(midnight)
  const sends: Send[] = []
  for (const around of [4, 3, 2, 1].map(midnight))
    for (let n = 0; n < 12; n += 1) sends.push(...(await anyChallenge(h, around)))
  const asked = { from: dayOf(midnight(5)), to: dayOf(today) }
  const before = await plain(h, days)
  t.same(await h.services.conversions.read(asked), before, 'from the log alone')
  const replica = await harness(t, { url: h.databaseUrl, prices })
  const counts = await Promise.all([h, replica].map(({ services }) => services.conversions.writeDays()))
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    4,
    'each by one of two replicas',
  )
  t.same(
    await written(h),
    [5, 4, 3, 2].map((n) => dayOf(midnight(n))),
    'a day after its end',
  )
  t.same(await h.services.conversions.read(asked), before)

  for (const sent of sends.slice(0, 20)) await tell(h, sent, 'delivered', today, { price: '0.02', currency: 'USD' })
  const after = await plain(h, days)
  t.notSame(after, before)
  t.same(await h.services.conversions.read(asked), after, 'at once')
  await h.services.conversions.writeDays()
  t.ok((await written(h)).includes(dayOf(midnight(4))))
  t.same(await h.services.conversions.read(asked), after, 'and once it is written down')
  t.equal(await h.services.conversions.writeDays(), 0, 'nothing is counted twice')
})

t.test(
  'a day is told as it was written down: the log is not asked, and prices of the table are those of today',
  async (t) => {
    const h = await inIndia(t)
    const day = midnight(3)
    for (const provider of ['twilio', 'twilio', 'messagecentral'])
      await send(h, newChallengeId(), provider, day + 1_000)
    await h.services.conversions.writeDays()
    await sql(h.databaseUrl, 'delete from sms_messages')
    const cheaper = await harness(t, { url: h.databaseUrl, prices: readSmsPrices('twilio * 0.01 USD') })
    const of = { from: dayOf(day), to: dayOf(day) }
    t.match(await h.services.conversions.read(of), [
      { provider: 'messagecentral', sent: 1, cost: { INR: '0.250000' } },
      { provider: 'twilio', sent: 2, cost: { USD: '0.015800' }, unpriced: 0 },
    ])
    t.match(await cheaper.services.conversions.read(of), [
      { provider: 'messagecentral', cost: {}, unpriced: 1 },
      { provider: 'twilio', cost: { USD: '0.020000' } },
    ])
  },
)

t.test(
  'a receipt of today’s message that comes a day late moves the answer to the message of the day before',
  async (t) => {
    const h = await inIndia(t)
    const id = newChallengeId()
    await send(h, id, 'twilio', midnight(2) - 60_000)
    const second = await send(h, id, 'messagecentral', midnight(2) + 60_000)
    await answer(h, id, midnight(2) + 90_000)
    await h.services.conversions.writeDays()
    const of = { from: dayOf(midnight(3)), to: dayOf(midnight(2)) }
    t.match(await h.services.conversions.read(of), [{ verified: 0 }, { verified: 1 }])
    await tell(h, second, 'undelivered', midnight(1))
    await h.services.conversions.writeDays()
    t.match(await h.services.conversions.read(of), [{ verified: 1 }, { verified: 0 }])
  },
)

t.test('what is heard in time leaves no note that a day has to be counted again', async (t) => {
  const h = await inIndia(t)
  const sent = await send(h, newChallengeId(), 'twilio', Date.now() - 11 * 3_600_000)
  await tell(h, sent, 'delivered', Date.now())
  t.same(await sql(h.databaseUrl, 'select * from conversion_late'), [])
  h.advance(3_600_001)
  await tell(h, sent, 'delivered', Date.now(), { price: '0.02', currency: 'USD' })
  t.equal((await sql(h.databaseUrl, 'select * from conversion_late')).length, 1)
})
