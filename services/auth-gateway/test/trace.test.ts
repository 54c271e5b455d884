import { randomBytes, randomUUID } from 'node:crypto'
import type { TraceBatch, TraceEvent } from '@latchkey/contracts/queues/trace'
import { AppError } from '@latchkey/kit/app-error'
import { eventually } from '@latchkey/kit/testing'
import { Registry } from 'prom-client'
import t from 'tap'
import { createReadPhone } from '../src/phones/canonical-phone.js'
import { duringRequest } from '../src/trace/request-in-hand.js'
import { createTrace } from '../src/trace/trace.js'
import { tracedBudget, tracedStops } from '../src/trace/traced.js'
import { challengeHarness } from './challenge-harness.js'

const key = { id: 'k', secret: randomBytes(32) }

/** A trace whose queue can go away and fill up. */
function trace(options: { most?: number; mostWaiting?: number } = {}) {
  const queue = { away: false, tries: 0, waiting: 0, taken: [] as TraceEvent[] }
  const metrics = new Registry()
  const made = createTrace({
    events: {
      add: async (_id, { events }: TraceBatch) => {
        queue.tries += 1
        if (queue.away) throw new AppError('unavailable')
        queue.taken.push(...events)
      },
    },
    countWaiting: async () => queue.waiting,
    key,
    metrics,
    everyMs: 1,
    retryMs: 5,
    ...options,
  })
  const dropped = async () => (await metrics.getSingleMetric('latchkey_trace_dropped_total')?.get())?.values[0]?.value
  const request = { requestId: randomUUID(), route: 'POST /v1/signup' }
  const note = (about: Parameters<typeof made.note>[0]) => duringRequest(request, () => made.note(about))
  return { queue, note, dropped, request, trace: made, close: made.close }
}

t.test('what is noted while the queue is away is told once it is back, in order', async (t) => {
  const { queue, note, dropped, request } = trace()
  queue.away = true
  for (let n = 0; n < 250; n += 1) note({ kind: 'wrong', attemptsLeft: n })
  await eventually('tries in vain', async () => queue.tries > 2)
  t.same(queue.taken, [])
  queue.away = false
  await eventually('all of it', async () => queue.taken.length === 250)
  t.same(
    queue.taken.map(({ attemptsLeft }) => attemptsLeft),
    Array.from({ length: 250 }, (_, n) => n),
  )
  t.match(queue.taken[0], request)
  t.equal(await dropped(), 0)
})

t.test('what is beyond the bound is counted and lost; nobody waits, and nothing fails with it', async (t) => {
  const { queue, note, dropped, close } = trace({ most: 10 })
  queue.away = true
  for (let n = 0; n < 25; n += 1) note({ kind: 'wrong', attemptsLeft: n })
  t.equal(await dropped(), 15)
  queue.away = false
  await close()
  t.equal(queue.taken.length, 10, 'who stops tells what he has')
})

t.test('a queue that nobody empties is not filled on', async (t) => {
  const { queue, note, dropped } = trace({ mostWaiting: 100 })
  queue.waiting = 100
  note({ kind: 'right' })
  await eventually('the loss to be counted', async () => (await dropped()) === 1)
  t.same(queue.taken, [])
})

t.test(
  'of a phone its keyed hash and two digits are told, of an e-mail how it begins, of anything else nothing; repeats have one id',
  async (t) => {
    const { queue, note } = trace()
    const once = ['+919876543210', '2026-11-21']
    note({ kind: 'refused', about: ['+919876543210'], limit: 'country', once })
    note({ kind: 'refused', about: ['+919876543210'], limit: 'country', once })
    note({ kind: 'refused', about: ['asha.rao'], limit: 'cooldown' })
    note({ kind: 'opened', about: ['+919876543210', 'email:asha@example.com'] })
    note({ kind: 'opened', about: ['asha@example.com'] })
    await eventually('all of it', async () => queue.taken.length === 5)
    const [first, again, named, both, mailed] = queue.taken
    t.match(first, { phone: /^[\w-]{22}$/, lastTwo: '••••••••10' })
    t.equal(again?.id, first?.id)
    t.not(named?.id, first?.id)
    t.notOk(named?.phone)
    t.equal(both?.phone, first?.phone)
    t.match(both, { email: /^[\w-]{22}$/, emailFirst: 'a' })
    t.equal(mailed?.email, both?.email)
    t.notMatch(JSON.stringify(queue.taken), /98765|asha|example/)
  },
)

t.test('a resend that the guard or an operator refuses is told, of its challenge, and once', async (t) => {
  const { guard } = await challengeHarness(t)
  const { queue, trace: made, request } = trace()
  const asker = { requestId: request.requestId, guesser: randomUUID(), subnet: randomUUID() }
  const phone = createReadPhone({ countries: '*', testNumbers: new Map() })('+919876543210')
  const budget = tracedBudget(guard({ perAddress: 1 }), made)
  const refuseStopped = tracedStops(async () => {
    throw new AppError('unavailable')
  }, made)
  const challengeId = `0ab.${'1'.repeat(32)}`
  const ask = async () => {
    const { counted } = await budget.take(phone, asker)
    for (let n = 0; n < 2; n += 1) {
      t.equal((await budget.again({ id: challengeId, counted, country: 'IN' }, asker)).refused, true)
      await t.rejects(refuseStopped({ purposes: ['sign_up'], country: 'IN', challengeId }))
    }
  }
  await new Promise<void>((resolve, reject) => duringRequest(request, () => void ask().then(resolve, reject)))
  await made.close()
  const about = { kind: 'refused', challengeId, ...request }
  const ids = new Map(queue.taken.map(({ id, ...event }) => [id, event]))
  t.match(
    [...ids.values()],
    [
      { ...about, limit: 'guard' },
      { ...about, limit: 'stopped' },
    ],
  )
  t.equal(ids.size, 2)
})
