import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createBacklog, median, mostWithin, seedKeys, type Waiting } from './backlog.js'
import { type Accept, production, type Production, someoneSignedUp } from './production.js'

/** `OUTAGE=full` is the outage as it is promised; the other is as long as a test may take. */
const full = process.env['OUTAGE'] === 'full'
const outage = full
  ? {
      codes: 5_000,
      ms: 180_000,
      lifeMs: 300_000,
      shortLifeMs: 90_000,
      campaign: 50_000,
      pace: { twilio: 30, messagecentral: 20 },
    }
  : {
      codes: 700,
      ms: 12_000,
      lifeMs: 90_000,
      shortLifeMs: 6_000,
      campaign: 50_000,
      pace: { twilio: 25, messagecentral: 15 },
    }
const { pace } = outage
const paced = { SMS_PACE: `twilio ${pace.twilio}, messagecentral ${pace.messagecentral}` }
const perSecond = pace.twilio + pace.messagecentral
/** Before a carrier that is back is asked again. */
const longestProbeMs = 30_000
const ofTwilio = ({ sid }: Accept) => sid.startsWith('SM')

/** Calls to carriers so far, by what they came to. */
async function calls({ stack }: Production): Promise<Record<string, number>> {
  const text = await (await fetch(`${stack.opsUrls['sms-worker']}/metrics`)).text()
  const found: Record<string, number> = {}
  for (const [, outcome = '', count] of text.matchAll(/^latchkey_sms_attempts_total{.*outcome="(\w+)".*} (\d+)$/gm))
    found[outcome] = (found[outcome] ?? 0) + Number(count)
  return found
}

/** People ask for codes all through an outage: one in five to sign in, and one in ten codes is of a face where they are short-lived. */
async function askThrough(backlog: ReturnType<typeof createBacklog>, untilMs: number): Promise<Waiting[]> {
  const asked: Waiting[] = []
  const tickMs = 250
  const each = Math.ceil(outage.codes / (outage.ms / tickMs))
  for (let n = 0; Date.now() < untilMs || asked.length < outage.codes; ) {
    const wishes = Array.from({ length: Math.min(each, outage.codes - asked.length) }, () => {
      n += 1
      return {
        purpose: n % 5 === 0 ? ('sign_in' as const) : ('sign_up' as const),
        lifeMs: n % 10 === 1 ? outage.shortLifeMs : outage.lifeMs,
      }
    })
    if (wishes.length > 0) asked.push(...(await backlog.ask(wishes)))
    await sleep(tickMs)
  }
  return asked
}

/** Asked for one number: both ledgers are long by then. */
async function acceptsOf({ carrierUrl, central }: Production, phone: string): Promise<Accept[]> {
  const each = [carrierUrl, central?.url ?? carrierUrl].map(async (url) => {
    const answer = await fetch(`${url}/ledger?to=${encodeURIComponent(phone)}`)
    return (await answer.json()) as Accept[]
  })
  return (await Promise.all(each)).flat().toSorted((a, b) => a.at.localeCompare(b.at))
}

const statesOf = async ({ sql }: Production, asked: readonly Waiting[]): Promise<Map<string, string>> =>
  new Map(
    (
      await sql<{ id: string; state: string }>('select id, state from sms_messages where id = any($1)', [
        asked.map(({ messageId }) => messageId),
      ])
    ).map(({ id, state }) => [id, state]),
  )

t.test('after an outage', async (t) => {
  const keys = seedKeys()
  const on = await production(t, {
    twoCarriers: true,
    env: { ...keys, ...paced, SEND_COOLDOWNS_SECONDS: '1', SENDS_PER_HOUR: '1000', SENDS_PER_DAY: '1000' },
  })
  const backlog = createBacklog(t, on.redis.url, keys)
  await t.test('live codes go out in pace, sign-in first and the oldest first, and the rest expire unsent', (t) =>
    recovers(t, on, backlog),
  )
  await t.test('50,000 messages of a campaign delay a sign-in by less than a second', (t) => overtakes(t, on, backlog))
})

async function recovers(t: Test, on: Production, backlog: ReturnType<typeof createBacklog>): Promise<void> {
  const away = { to: '*', fault: 'reset-before' }
  await Promise.all([on.order(away), on.central?.order(away)])
  const startedAt = Date.now()
  const asked = await askThrough(backlog, startedAt + outage.ms)
  const probed = await calls(on)
  const backAt = Date.now()
  await on.withdraw('*')
  await fetch(`${on.central?.url}/faults?to=*`, { method: 'DELETE' })

  const dead = asked.filter(({ deadline }) => deadline < backAt)
  const live = asked.length - dead.length
  const longestMs = longestProbeMs + (live / perSecond) * 2_000 + 20_000
  const ended = await eventually(
    'every message to end',
    async () => {
      const states = await statesOf(on, asked)
      const over = asked.filter(({ messageId }) => /accepted|expired_unsent|failed/.test(states.get(messageId) ?? ''))
      if (over.length === asked.length) return states
      await sleep(500)
      return undefined
    },
    longestMs,
  )
  const phones = new Map(asked.map((each) => [each.phone, each]))
  const accepts = (await on.ledger()).filter(({ to }) => phones.has(to))
  const at = (accept: Accept) => Date.parse(accept.at)
  const first = Math.min(...accepts.map(at))
  const last = Math.max(...accepts.map(at))

  t.equal(new Set(accepts.map(({ to }) => to)).size, accepts.length, 'nobody got two')
  const count = (state: string) => [...ended.values()].filter((each) => each === state).length
  t.equal(count('accepted'), accepts.length, 'the log agrees with the ledgers')
  t.equal(count('expired_unsent') + count('accepted'), asked.length, 'every other code expired unsent')
  t.ok(
    accepts.every((accept) => at(accept) <= (phones.get(accept.to)?.deadline ?? 0)),
    'no code went out dead',
  )
  t.equal(asked.length - accepts.length, dead.length, 'every code that lived when the carriers were back went out')

  for (const [lane, own] of [
    ['twilio', accepts.filter(ofTwilio)],
    ['messagecentral', accepts.filter((accept) => !ofTwilio(accept))],
  ] as const) {
    const times = own.map(at)
    const [burst, run] = [mostWithin(times, 1_000), mostWithin(times, 5_000)]
    t.comment(`${lane}: ${own.length} accepts, ${burst} within the worst second, ${run} within the worst five`)
    // Windows of a second begin with their first message, so two of them may touch.
    t.ok(burst <= 2 * pace[lane], `never faster than the pace of ${lane}`)
    t.ok(run <= 6 * pace[lane], `nor for five seconds`)
  }
  const waits = (wanted: (one: Waiting) => boolean) =>
    median(accepts.filter(({ to }) => wanted(phones.get(to) as Waiting)).map((accept) => at(accept) - first))
  const third = startedAt + (backAt - startedAt) / 3
  const lastThird = startedAt + ((backAt - startedAt) * 2) / 3
  const figures = {
    asked: asked.length,
    expired: count('expired_unsent'),
    'dead before the carriers were back': dead.length,
    'calls while they were away': Object.values(probed).reduce((sum, each) => sum + each, 0),
    'first accept after (ms)': first - backAt,
    'then all within (ms)': last - first,
    'accepts a second': Math.round((accepts.length / (last - first)) * 1_000),
    'median of sign-ins (ms)': waits(({ purpose }) => purpose === 'sign_in'),
    'median of sign-ups (ms)': waits(({ purpose }) => purpose === 'sign_up'),
    'median of the first third of sign-ups (ms)': waits(
      ({ purpose, askedAt }) => purpose === 'sign_up' && askedAt < third,
    ),
    'median of the last third of sign-ups (ms)': waits(
      ({ purpose, askedAt }) => purpose === 'sign_up' && askedAt > lastThird,
    ),
  }
  t.comment(JSON.stringify(figures, undefined, 2))
  t.ok(first - backAt < longestProbeMs + 5_000, 'the first goes out with the next probe')
  t.ok(
    figures['calls while they were away'] <= 60 + outage.ms / 1_000,
    'the carriers were asked gently while they were away',
  )
  t.ok(figures['median of sign-ins (ms)'] < figures['median of sign-ups (ms)'], 'sign-in before sign-up')
  t.ok(
    figures['median of the first third of sign-ups (ms)'] < figures['median of the last third of sign-ups (ms)'],
    'the oldest first',
  )
}

async function overtakes(t: Test, on: Production, backlog: ReturnType<typeof createBacklog>): Promise<void> {
  const people = await Promise.all(Array.from({ length: 5 }, () => someoneSignedUp(on)))
  await backlog.campaign(outage.campaign, 600_000)
  await eventually('the campaign to be sent', async () => (await backlog.queue.getActiveCount()) > 0)
  const tookMs: number[] = []
  for (let round = 0; round < 4; round += 1)
    for (const { phone } of people) {
      const before = (await acceptsOf(on, phone)).length
      const asked = Date.now()
      const { status } = await on.call('POST', '/v1/login/code', { phone })
      t.equal(status, 202)
      const accept = await eventually(
        'the code',
        async () => {
          const own = await acceptsOf(on, phone)
          return own.length > before && own.at(-1)
        },
        20_000,
      )
      tookMs.push(Date.parse(accept.at) - asked)
    }
  const left = await backlog.queue.getJobCounts('prioritized', 'delayed', 'active')
  t.comment(
    `${tookMs.length} sign-ins beside ${JSON.stringify(left)}: median ${median(tookMs)} ms, slowest ${Math.max(...tookMs)} ms`,
  )
  t.ok((left['prioritized'] ?? 0) + (left['delayed'] ?? 0) > outage.campaign / 2, 'the campaign still waits')
  t.ok(Math.max(...tookMs) < 1_000, `the slowest took ${Math.max(...tookMs)} ms`)
}
