import { randomUUID } from 'node:crypto'
import type { Story } from '@latchkey/contracts/admin/messages'
import type { DeliveryState } from '@latchkey/contracts/delivery'
import type { DeliveryAttempt } from '@latchkey/contracts/queues/delivery-event'
import { type TraceEvent, tracedAs } from '@latchkey/contracts/queues/trace'
import { hmac } from '@latchkey/kit/key-ring'
import t from 'tap'
import { type Harness, harness, newChallengeId, newKey, newPhone, sql } from './harness.js'

const by = { operator: 'alice' }
const dayMs = 24 * 3_600_000

/** What happened to one code, told as gateway and worker tell it. */
function newStory(h: Harness, phone = newPhone()) {
  const began = Date.now()
  const [challengeId, messageId, requestId] = [newChallengeId(), randomUUID(), randomUUID()]
  const at = (ms: number) => new Date(began + ms).toISOString()
  const hash = hmac(h.traceKey, tracedAs.phone, phone).subarray(0, 16).toString('base64url')
  const about = {
    phone: hash,
    lastTwo: `••••••••${phone.slice(-2)}`,
    purpose: 'sign_in',
    face: 'v1',
    country: 'IN',
  } as const
  return {
    phone,
    challengeId,
    messageId,
    about,
    at,
    gateway: (ms: number, event: Partial<TraceEvent> & Pick<TraceEvent, 'kind'>) =>
      h.services.traces.record({
        v: 1,
        events: [{ id: randomUUID(), at: at(ms), requestId, route: 'POST /v1/login/code', challengeId, ...event }],
      }),
    opened: (event: Partial<TraceEvent> = {}) =>
      h.services.traces.record({
        v: 1,
        events: [
          {
            id: randomUUID(),
            at: at(0),
            kind: 'opened',
            requestId,
            route: 'POST /v1/login/code',
            challengeId,
            messageId,
            ...about,
            says: 'code',
            sent: true,
            until: at(300_000),
            ...event,
          },
        ],
      }),
    worker: (
      ms: number,
      state: DeliveryState,
      more: { reason?: 'opted_out'; attempt?: Omit<DeliveryAttempt, 'startedAt' | 'endedAt'> } = {},
    ) =>
      h.services.deliveries.record({
        v: 1,
        messageId,
        challengeId,
        generation: 1,
        purpose: 'sign_in',
        country: 'IN',
        requestId,
        state,
        at: at(ms),
        ...(more.reason && { reason: more.reason }),
        ...(more.attempt && { attempt: { ...more.attempt, startedAt: at(ms - 90), endedAt: at(ms) } }),
      }),
    receipt: (ms: number, said: object) =>
      h.services.deliveries.receive({
        v: 2,
        kind: 'receipt',
        messageId,
        provider: 'twilio',
        providerMessageId: `SM${messageId}`,
        attempt: 1,
        state: 'delivered',
        at: at(ms),
        ...said,
      }),
  }
}

const ask = async (h: Harness, about: object): Promise<Story[]> => {
  const { status, body } = await h.call('POST', '/traces', { by, about })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return body['stories'] as Story[]
}
const accepted = (n: number, sid: string) =>
  ({ number: n, provider: 'twilio', outcome: 'accepted', providerMessageId: sid }) as const

t.test('a code is told from the request to the log-in, in ms: limits, tries, receipts, answers', async (t) => {
  const h = await harness(t)
  const { phone } = await h.signUp()
  const story = newStory(h, phone)
  await story.opened()
  await story.gateway(4, { kind: 'queued', messageId: story.messageId })
  await story.worker(130, 'sending', {
    attempt: {
      number: 1,
      provider: 'twilio',
      outcome: 'not_sent',
      carrierCode: '20429',
      says: 'we ask more often than it allows',
    },
  })
  await story.worker(1_400, 'accepted', { attempt: accepted(2, `SM${story.messageId}`) })
  await story.receipt(4_100, { attempt: 2, segments: 1, price: '0.0079', currency: 'USD' })
  await story.gateway(9_000, { kind: 'wrong', attemptsLeft: 4 })
  await story.gateway(12_000, { kind: 'right' })
  t.equal((await h.call('POST', '/sign-ins/phone', { challengeId: story.challengeId, phone, face: 'v1' })).status, 200)
  for (const about of [{ phone }, { challenge: story.challengeId }, { message: story.messageId }]) {
    const [told, ...others] = await ask(h, about)
    t.same(others, [])
    t.match(told, {
      end: 'verified',
      answer: /answered rightly/,
      phone: `••••••••${phone.slice(-2)}`,
      purpose: 'sign_in',
      face: 'v1',
    })
    const lines = (told?.lines ?? []).filter(({ says }) => !says.startsWith('verified'))
    t.match(lines, [
      { ms: 0, says: /^POST \/v1\/login\/code asked for a code, sign_in at v1 \(request / },
      { ms: 4, says: /is in the queue/ },
      { ms: 130, says: 'twilio, try 1: did not take it (20429: we ask more often than it allows), after 90 ms' },
      { ms: 1_400, says: 'twilio, try 2: took it, after 90 ms' },
      { ms: 4_100, says: 'twilio reports: delivered, 1 segment, 0.0079 USD' },
      { ms: 9_000, says: /^a wrong answer .*4 left$/ },
      { ms: 12_000, says: /^the right answer/ },
    ])
    t.equal(lines.length, 7)
    t.notMatch(JSON.stringify(told), phone)
  }
})

t.test('every way in which a number gets no code is said as such', async (t) => {
  const h = await harness(t)
  type S = ReturnType<typeof newStory>
  const stories: [string, RegExp, (story: S) => Promise<unknown>][] = [
    [
      'decoy',
      /no account can be reached by it: nothing is sent/,
      async (s) => {
        await s.opened({ says: 'decoy' })
        await s.worker(90, 'accepted', { attempt: { ...accepted(1, 'decoy'), provider: 'decoy-twilio' } })
      },
    ],
    ['notice', /has an account already/, (s) => s.opened({ says: 'account_exists' })],
    [
      'not_queued',
      /the queue was away.*503/,
      async (s) => {
        await s.opened()
        await s.gateway(3, { kind: 'not_queued', messageId: s.messageId })
      },
    ],
    [
      'under_way',
      /no worker has taken it yet/,
      async (s) => {
        await s.opened()
        await s.gateway(3, { kind: 'queued', messageId: s.messageId })
      },
    ],
    ['unsent', /opened inside a cooldown/, (s) => s.opened({ sent: false })],
    [
      'rejected',
      /STOP/,
      async (s) => {
        await s.opened()
        await s.worker(20, 'rejected', { reason: 'opted_out' })
      },
    ],
    [
      'undelivered',
      /twilio could not deliver the message: the phone is off/,
      async (s) => {
        await s.opened()
        await s.worker(20, 'accepted', { attempt: accepted(1, `SM${s.messageId}`) })
        await s.receipt(900, {
          state: 'undelivered',
          reason: 'unreachable',
          carrierCode: '30003',
          says: 'the phone is off',
        })
      },
    ],
    [
      'expired_unsent',
      /ended before a carrier could take it/,
      async (s) => {
        await s.opened()
        await s.worker(300_000, 'expired_unsent')
      },
    ],
    [
      'superseded_unsent',
      /used, or replaced by a newer one/,
      async (s) => {
        await s.opened()
        await s.worker(200, 'superseded_unsent')
      },
    ],
    [
      'delivered',
      /arrived, says twilio; 1 wrong answer, no right one\./,
      async (s) => {
        await s.opened()
        await s.worker(20, 'accepted', { attempt: accepted(1, `SM${s.messageId}`) })
        await s.receipt(900, {})
        await s.gateway(1_000, { kind: 'wrong', attemptsLeft: 4 })
      },
    ],
    [
      'sent',
      /twilio took the message, and has not said that it arrived; nobody has answered it yet/,
      async (s) => {
        await s.opened()
        await s.worker(20, 'accepted', { attempt: accepted(1, `SM${s.messageId}`) })
      },
    ],
  ]
  for (const [end, answer, tell] of stories) {
    const story = newStory(h)
    await tell(story)
    const [told] = await ask(h, { phone: story.phone })
    t.match(told, { end, answer }, end)
  }
  for (const [limit, words] of [
    ['cooldown', /too soon/],
    ['budget', /an hour or a day/],
    ['country', /SMS_COUNTRIES/],
    ['number_type', /no mobile/],
  ] as const) {
    const { phone, about, at } = newStory(h)
    const event = {
      id: randomUUID(),
      at: at(0),
      kind: 'refused' as const,
      requestId: 'r',
      route: 'POST /v1/signup',
      ...about,
      limit,
    }
    await h.services.traces.record({ v: 1, events: [event] })
    await h.services.traces.record({ v: 1, events: [event] })
    const told = await ask(h, { phone })
    t.match(told, [{ end: 'refused', answer: words, challengeId: null }], limit)
    t.equal(told.length, 1, 'told twice, written once')
  }
  t.same(await ask(h, { phone: newPhone() }), [])
})

t.test(
  'a code by mail is found by its e-mail, which is told by its first letter; it goes with the account that proved it',
  async (t) => {
    const h = await harness(t)
    const email = `asha.${randomUUID().slice(0, 8)}@example.com`
    const hash = hmac(h.traceKey, tracedAs.email, email).subarray(0, 16).toString('base64url')
    const told = async () => ask(h, { email })
    const [story, byPhone] = [newStory(h), newStory(h)]
    const mailed = { channel: 'email', email: hash, emailFirst: 'a', says: 'code', sent: true } as const
    await story.gateway(0, { kind: 'opened', messageId: story.messageId, purpose: 'sign_in', country: 'ZZ', ...mailed })
    await story.worker(20, 'failed', {})
    // Asked for by e-mail, sent to the phone behind it.
    await byPhone.opened({ channel: 'email', email: hash, emailFirst: 'a' })
    t.match(await ask(h, { phone: byPhone.phone }), [{ challengeId: byPhone.challengeId }])
    t.same(
      new Set((await told()).map(({ challengeId }) => challengeId)),
      new Set([story, byPhone].map((s) => s.challengeId)),
    )
    t.match(await ask(h, { challenge: story.challengeId }), [
      { email: 'a•••@•••', phone: null, end: 'failed', lines: [{ says: /by mail/ }, {}] },
    ])
    t.notMatch(JSON.stringify(await sql(h.databaseUrl, 'select * from message_trace')), /asha|example/)
    t.same(await ask(h, { email: `not.${email}` }), [])
    const claims = await h.signUp({ email })
    await h.call('DELETE', `/sessions/${claims.session.id}/user`, { password: null, freshWithinSeconds: 600 })
    t.equal((await told()).length, 2, 'whoever only says that it is his ends nothing')
    const owner = await h.signUp({ email })
    await h.db.updateTable('users').set({ email_verified_at: new Date() }).where('id', '=', owner.user.id).execute()
    await h.call('DELETE', `/sessions/${owner.session.id}/user`, { password: null, freshWithinSeconds: 600 })
    t.same(await ask(h, { email }), [])
    t.match(await ask(h, { message: story.messageId }), [{ email: null }], 'what the delivery log knows names nobody')
  },
)

t.test('what gateways did not tell the delivery log still does', async (t) => {
  const h = await harness(t)
  const story = newStory(h)
  await story.worker(20, 'accepted', { attempt: accepted(1, `SM${story.messageId}`) })
  t.match(await ask(h, { message: story.messageId }), [{ end: 'sent', challengeId: story.challengeId }])
  t.same(await ask(h, { phone: story.phone }), [], 'whose it was the log does not know')
})

t.test('who looks at a trace stands in the audit, without the number; nobody else looks', async (t) => {
  const h = await harness(t)
  const { phone, session } = await h.signUp()
  const about = { phone }
  t.equal((await h.call('POST', '/traces', { by: { sessionId: session.id }, about })).status, 403)
  await ask(h, about)
  const { body } = await h.call('POST', '/audit', { by, limit: 1 })
  t.match(body['entries'], [{ actor: 'cli:alice', action: 'trace.read', target: /^phone:[\w-]{22}$/ }])
  t.notMatch(JSON.stringify(body), phone.slice(1))
})

t.test('the trace of a deleted account goes with it, that of others stays; after a month all of it goes', async (t) => {
  const h = await harness(t)
  const { phone, session } = await h.signUp()
  const [own, other] = [newStory(h, phone), newStory(h)]
  for (const story of [own, other]) {
    await story.opened()
    await story.gateway(5, { kind: 'wrong', attemptsLeft: 4 })
  }
  await h.call('DELETE', `/sessions/${session.id}/user`, { password: null, freshWithinSeconds: 600 })
  const rows = (id: string) => sql(h.databaseUrl, 'select 1 from message_trace where challenge_id = $1', [id])
  t.same(await rows(own.challengeId), [])
  t.equal((await rows(other.challengeId)).length, 2)
  h.advance(29 * dayMs)
  await h.services.traces.sweep()
  t.equal((await rows(other.challengeId)).length, 2)
  h.advance(2 * dayMs)
  await h.services.traces.sweep()
  t.same(await rows(other.challengeId), [])
})

t.test('a phone is found by nobody who lacks the key', async (t) => {
  const h = await harness(t)
  const story = newStory(h)
  await story.opened()
  const foreign = hmac(newKey(), tracedAs.phone, story.phone).subarray(0, 16).toString('base64url')
  t.same(await sql(h.databaseUrl, 'select 1 from message_trace where phone = $1', [foreign]), [])
  const all = JSON.stringify(await sql(h.databaseUrl, 'select * from message_trace'))
  t.notMatch(all, story.phone.slice(1))
})
