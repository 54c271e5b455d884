import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { AttemptOutcome, DeliveryState } from '@latchkey/contracts/delivery'
import type { DeliveryEvent, Receipt } from '@latchkey/contracts/queues/delivery-event'
import { AppError } from '@latchkey/kit/app-error'
import t from 'tap'
import { type Harness, harness, newChallengeId } from './harness.js'

const at = (second: number) => new Date(Date.now() - 60_000 + second * 1_000).toISOString()
const newSid = () => `SM${randomBytes(16).toString('hex')}`

type Message = ReturnType<typeof newMessage>
const newMessage = () => ({
  messageId: randomUUID(),
  challengeId: newChallengeId(),
  sids: [newSid(), newSid()] as const,
})

interface Tried {
  readonly number?: number
  readonly outcome?: AttemptOutcome
  readonly provider?: string
  readonly second?: number
  readonly sid?: string | undefined
  readonly country?: string
}

/** What the worker tells of one call for a message. */
function attempted({ messageId, challengeId, sids }: Message, tried: Tried = {}): DeliveryEvent {
  const { number = 1, outcome = 'accepted', provider = 'twilio', second = 1, country = 'IN' } = tried
  const sid = 'sid' in tried ? tried.sid : sids[number - 1]
  return {
    v: 1,
    messageId,
    challengeId,
    generation: 1,
    purpose: 'sign_up',
    country,
    requestId: 'r-1',
    state: outcome === 'not_sent' ? 'sending' : outcome,
    at: at(second),
    attempt: {
      number,
      provider,
      outcome,
      startedAt: at(second - 1),
      endedAt: at(second),
      ...(sid !== undefined && { providerMessageId: sid }),
    },
  }
}

function receipt({ messageId, sids }: Message, state: Receipt['state'], more: Partial<Receipt> = {}): Receipt {
  const { attempt = 1 } = more
  return {
    v: 2,
    kind: 'receipt',
    messageId,
    attempt,
    provider: 'twilio',
    providerMessageId: sids[attempt - 1] ?? '',
    state,
    at: at(5),
    ...(state === 'undelivered' && { reason: 'unreachable', carrierCode: '30003' }),
    ...more,
  }
}

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((item) => [randomInt(2 ** 32), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)

const told = async (h: Harness, { messageId }: Message) => (await h.call('GET', `/deliveries/${messageId}`)).body
const receiptsOf = ({ db }: Harness, { messageId }: Message) =>
  db.selectFrom('sms_receipts').selectAll().where('message_id', '=', messageId).orderBy('attempt').execute()

/** As the consumer does: what a busy database refuses comes again. */
async function take({ services }: Harness, event: DeliveryEvent | Receipt): Promise<void> {
  for (;;) {
    try {
      return void (await ('kind' in event ? services.deliveries.receive(event) : services.deliveries.record(event)))
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error
    }
  }
}

t.test(
  'receipts lost, late, dozens of times over, in any order and before the answer lead to the same end',
  async (t) => {
    const h = await harness(t)
    const stories: [DeliveryState, (message: Message) => (DeliveryEvent | Receipt)[]][] = [
      ['delivered', (m) => [attempted(m), receipt(m, 'accepted'), receipt(m, 'delivered')]],
      ['undelivered', (m) => [attempted(m), receipt(m, 'accepted'), receipt(m, 'undelivered')]],
      ['accepted', (m) => [attempted(m), receipt(m, 'accepted')]],
      ['accepted', (m) => [attempted(m)]],
      ['delivered', (m) => [attempted(m, { outcome: 'unknown', sid: undefined }), receipt(m, 'delivered')]],
    ]
    await Promise.all(
      stories.map(async ([state, tell]) => {
        for (let turn = 0; turn < 5; turn += 1) {
          const message = newMessage()
          const events = tell(message)
          const many = shuffled([...events, ...Array.from({ length: turn === 0 ? 25 : 2 }, () => events).flat()])
          if (turn % 2 === 0) for (const event of many) await take(h, event)
          else
            for (let from = 0; from < many.length; from += 6)
              await Promise.all(many.slice(from, from + 6).map((event) => take(h, event)))
          t.match(await told(h, message), { state, reason: state === 'undelivered' ? 'unreachable' : null })
          t.ok((await receiptsOf(h, message)).every(({ parked }) => !parked))
        }
      }),
    )
  },
)

t.test('what a carrier says after its last word changes nothing', async (t) => {
  const h = await harness(t)
  for (const [first, second] of [
    ['delivered', 'undelivered'],
    ['undelivered', 'delivered'],
  ] as const) {
    const message = newMessage()
    await take(h, attempted(message))
    await take(h, receipt(message, first))
    const before = [await told(h, message), await receiptsOf(h, message)]
    for (const state of [second, 'accepted'] as const)
      await take(h, receipt(message, state, { at: at(9), reason: 'blocked' }))
    t.same([await told(h, message), await receiptsOf(h, message)], before)
  }
})

t.test('a receipt that comes before anything else waits for its message, and for a day only', async (t) => {
  const h = await harness(t)
  const [early, orphan] = [newMessage(), newMessage()]
  for (const message of [early, orphan]) await take(h, receipt(message, 'undelivered'))
  t.match(await told(h, early), { state: null })
  t.match(await receiptsOf(h, early), [{ parked: true, state: 'undelivered', carrier_code: '30003' }])
  await take(h, attempted(early))
  t.match(await told(h, early), { state: 'undelivered', reason: 'unreachable' })
  t.match(await receiptsOf(h, early), [{ parked: false }])
  await h.services.deliveries.sweep()
  t.equal((await receiptsOf(h, orphan)).length, 1)
  h.advance(25 * 3_600_000)
  await h.services.deliveries.sweep()
  t.same(await receiptsOf(h, orphan), [])
  t.equal((await receiptsOf(h, early)).length, 1)
})

t.test('what arrived before it is said to be on its way has arrived', async (t) => {
  const h = await harness(t)
  const message = newMessage()
  await take(h, receipt(message, 'delivered'))
  const { attempt: _attempt, ...begun } = attempted(message, { outcome: 'not_sent' })
  await take(h, begun)
  const rows = await h.db.selectFrom('sms_messages').select('state').where('id', '=', message.messageId).execute()
  t.same(rows, [{ state: 'delivered' }])
})

t.test('a receipt proves that a call of unknown end was taken', async (t) => {
  const h = await harness(t)
  const message = newMessage()
  await take(h, attempted(message, { outcome: 'unknown', sid: undefined }))
  await take(h, receipt(message, 'accepted'))
  t.match(await told(h, message), { state: 'accepted' })
  const attempts = await h.db
    .selectFrom('sms_attempts')
    .selectAll()
    .where('message_id', '=', message.messageId)
    .execute()
  t.match(attempts, [{ outcome: 'accepted', provider_message_id: message.sids[0] }])
})

t.test('of two copies that may be under way one has to arrive, and both have to be lost', async (t) => {
  const h = await harness(t)
  const both = (message: Message) =>
    [attempted(message, { outcome: 'unknown', sid: undefined }), attempted(message, { number: 2 })] as const
  const lost = newMessage()
  for (const event of both(lost)) await take(h, event)
  await take(h, receipt(lost, 'undelivered'))
  t.match(await told(h, lost), { state: 'accepted' })
  await take(h, receipt(lost, 'undelivered', { attempt: 2, reason: 'blocked', at: at(7) }))
  t.match(await told(h, lost), { state: 'undelivered', reason: 'blocked' })

  const saved = newMessage()
  for (const event of both(saved)) await take(h, event)
  await take(h, receipt(saved, 'undelivered'))
  await take(h, receipt(saved, 'delivered', { attempt: 2 }))
  t.match(await told(h, saved), { state: 'delivered', reason: null })

  const early = newMessage()
  await take(h, receipt(early, 'undelivered'))
  const [first, second] = both(early)
  await take(h, { ...second, v: 3, others: [first.attempt] } as DeliveryEvent)
  t.match(await told(h, early), { state: 'accepted' }, 'the second may still arrive')
  await take(h, receipt(early, 'delivered', { attempt: 2 }))
  t.match(await told(h, early), { state: 'delivered' })
})

t.test("a receipt that names no attempt is joined by the carrier's id", async (t) => {
  const h = await harness(t)
  const message = newMessage()
  const { attempt: _attempt, ...nameless } = receipt(message, 'undelivered')
  await take(h, nameless)
  await take(h, attempted(message, { number: 2, sid: newSid() }))
  t.match(await told(h, message), { state: 'accepted' })
  await take(h, attempted(message))
  t.match(await receiptsOf(h, message), [{ parked: false, attempt: null }])
})

t.test('price and segments are kept as they were first told', async (t) => {
  const h = await harness(t)
  const message = newMessage()
  await take(h, attempted(message))
  await take(h, receipt(message, 'accepted', { segments: 1 }))
  await take(h, receipt(message, 'delivered', { price: '0.0075', currency: 'USD', segments: 2 }))
  await take(h, receipt(message, 'delivered', { price: '9', currency: 'EUR' }))
  t.match(await receiptsOf(h, message), [{ segments: 1, price: '0.007500', currency: 'USD' }])
})

t.test('without a receipt a message is unconfirmed after a day, and what comes then changes nothing', async (t) => {
  const h = await harness(t)
  const message = newMessage()
  await take(h, attempted(message))
  h.advance(25 * 3_600_000)
  await h.services.deliveries.sweep()
  t.match(await told(h, message), { state: 'unconfirmed' })
  await take(h, receipt(message, 'undelivered'))
  t.match(await told(h, message), { state: 'unconfirmed' })
})

t.test('a decoy is told to have arrived as late as real messages do, and not at all where they are not', async (t) => {
  const h = await harness(t)
  // A country of this test's own: the tests of a file share their database.
  const [near, far] = ['NP', 'BT']
  const decoy = (provider: string, country: string) => {
    const message = newMessage()
    return {
      message,
      event: attempted(message, { provider: `decoy-${provider}`, sid: randomUUID(), second: 60, country }),
    }
  }
  const provider = `t${randomBytes(4).toString('hex')}`
  const untold = decoy(provider, near)
  await take(h, untold.event)
  for (let n = 0; n < 5; n += 1) {
    const real = newMessage()
    await take(h, attempted(real, { provider, country: near, second: 10 }))
    await take(h, receipt(real, 'delivered', { provider, at: at(14) }))
    const failed = newMessage()
    await take(h, attempted(failed, { provider, country: far, second: 10 }))
    await take(h, receipt(failed, 'undelivered', { provider, at: at(14) }))
  }
  const [arriving, never] = [decoy(provider, near), decoy(provider, far)]
  for (const { event } of [arriving, never]) await take(h, event)
  t.match(await told(h, arriving.message), { state: 'accepted' })
  h.advance(3_000)
  t.match(await told(h, arriving.message), { state: 'accepted' })
  h.advance(2_000)
  t.match(await told(h, arriving.message), { state: 'delivered', reason: null })
  for (const { message } of [never, untold]) t.match(await told(h, message), { state: 'accepted' })
})

t.test('how decoys fare is not chosen by whoever has messages sent that nobody answers', async (t) => {
  const h = await harness(t)
  const provider = `t${randomBytes(4).toString('hex')}`
  const real = async (state: Receipt['state'], proved: boolean) => {
    const message = newMessage()
    await take(h, attempted(message, { provider, second: 10 }))
    await take(h, receipt(message, state, { provider, at: at(12) }))
    if (proved)
      await h.db
        .insertInto('consumed_challenges')
        .values({ challenge_id: message.challengeId, consumed_at: new Date() })
        .execute()
  }
  await real('delivered', true)
  for (let n = 0; n < 30; n += 1) await real('undelivered', false)
  const decoys = Array.from({ length: 5 }, () => newMessage())
  for (const decoy of decoys)
    await take(h, attempted(decoy, { provider: `decoy-${provider}`, sid: randomUUID(), second: 60 }))
  h.advance(10_000)
  for (const decoy of decoys) t.match(await told(h, decoy), { state: 'delivered' })
})

t.test(
  'a receipt that names no message of ours is joined by the carrier’s id, and comes again while nobody knows it',
  async (t) => {
    const h = await harness(t)
    const message = newMessage()
    const { messageId: _unknown, attempt: _attempt, ...said } = receipt(message, 'delivered')
    const nameless: Receipt = { ...said, v: 3 }
    t.equal(await h.services.deliveries.receive(nameless), false)
    await take(h, attempted(message))
    t.equal(await h.services.deliveries.receive(nameless), true)
    t.match(await told(h, message), { state: 'delivered' })
  },
)
