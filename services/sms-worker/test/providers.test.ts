import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { inboxContext, inboxKey } from '@latchkey/contracts/inbox-record'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { createSealer } from '@latchkey/kit/seal'
import { eventually, freePort, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { createInbox } from '../src/providers/inbox.js'
import { createMessageCentral } from '../src/providers/message-central.js'
import type { SendOutcome, SmsProvider } from '../src/providers/provider.js'
import { createTwilio } from '../src/providers/twilio.js'
import { accountSid, authToken, customerId, email, ourNumber, senderId, somebody, startStandIn } from './stand-in.js'

// What every provider promises its port, whatever its vendor does. Who adds one adds it to this table.

t.jobs = 4
/** Of a carrier that is well, on a busy machine; and where waiting is the point. */
const calmMs = 10_000
const shortMs = 1_500
const [twilio, central] = await Promise.all([startStandIn(t), startStandIn(t, 'messagecentral')])

type Make = (baseUrl: string, options?: { wrong?: true; patienceMs?: number }) => SmsProvider
const carriers: Record<string, { make: Make; standIn: typeof twilio; wrongNumber: number }> = {
  twilio: {
    standIn: twilio,
    wrongNumber: 21211,
    make: (baseUrl, { wrong, patienceMs = calmMs } = {}) =>
      createTwilio({
        accountSid,
        authToken: wrong ? 'wrong' : authToken,
        sender: { from: ourNumber },
        baseUrl,
        timeoutMs: patienceMs,
        connections: 100,
      }),
  },
  messagecentral: {
    standIn: central,
    wrongNumber: 400,
    make: (baseUrl, { wrong, patienceMs = calmMs } = {}) =>
      createMessageCentral({
        customerId,
        senderId,
        country: '91',
        ...(wrong ? { login: { email, password: 'wrong' } } : { token: authToken }),
        baseUrl,
        timeoutMs: patienceMs,
        connections: 100,
      }),
  },
}

const text = 'Acme: 123456 is your code. 100% + more & "?"'
const message = () => ({ id: randomUUID(), to: somebody(), body: text, lifeMs: 60_000 })

/** Carriers repeat what they were asked, and HTTP clients the address, which may hold the text. */
const noQuote = (t: Test, what: string, outcome: SendOutcome, { to }: { to: string }) =>
  t.notMatch(
    JSON.stringify(outcome),
    new RegExp(`${to.slice(3)}|123456|http:|tests|${customerId}`),
    `${what}: no quote`,
  )

for (const [name, { make, standIn, wrongNumber }] of Object.entries(carriers))
  t.test(name, async (t) => {
    t.jobs = 8
    const provider = make(standIn.url)
    const under = async (fault: object, by = provider) => {
      const sent = message()
      await standIn.order({ to: sent.to, ms: 6_000, ...fault })
      const since = performance.now()
      const outcome = await by.send(sent)
      const tookMs = performance.now() - since
      return { outcome, tookMs, accepts: (await standIn.ledger(sent.to)).length, sent }
    }

    t.test('is called by its name, and says how long a call may take', async (t) => {
      t.match(provider, { name, timeoutMs: calmMs })
    })

    t.test('what the carrier takes is the number and the text as they are, under the id that it gives', async (t) => {
      const sent = message()
      const outcome = await provider.send(sent)
      const [accept, ...more] = await standIn.ledger(sent.to)
      t.strictSame(outcome, { outcome: 'accepted', providerMessageId: accept?.sid })
      t.match(accept, { to: sent.to, body: text })
      t.strictSame(more, [])
    })

    t.test('a hundred at once are a hundred messages', async (t) => {
      const all = Array.from({ length: 100 }, message)
      const outcomes = await Promise.all(all.map((each) => provider.send(each)))
      t.equal(outcomes.filter(({ outcome }) => outcome === 'accepted').length, 100)
      for (const { to } of all) t.equal((await standIn.ledger(to)).length, 1)
    })

    t.test('whatever breaks after the request was written is unknown, ends in time, and is not quoted', async (t) => {
      const broken = {
        '503': 0,
        '503-after-accept': 1,
        hang: 0,
        'reset-before': 0,
        'reset-after-accept': 1,
        'html-200': 0,
        'error-200': 0,
        truncated: 1,
        slow: 1,
        'slow-drip': 1,
        'odd-sid': 1,
      }
      const hasty = make(standIn.url, { patienceMs: shortMs })
      const each = Object.entries(broken).map(async ([fault, accepts]) => {
        const { outcome, tookMs, sent, ...rest } = await under({ fault }, hasty)
        t.match({ ...rest, outcome }, { accepts, outcome: { outcome: 'unknown' } }, fault)
        t.ok(tookMs < shortMs + 1_500, `${fault}: ${tookMs.toFixed(0)} ms`)
        noQuote(t, fault, outcome, sent)
      })
      await Promise.all(each)
    })

    t.test('too fast is not sent, with the time to wait', async (t) => {
      const { outcome, accepts, sent } = await under({ fault: '429' })
      t.match(outcome, { outcome: 'not_sent', retryAfterMs: 6_000, permanent: undefined })
      t.equal(accepts, 0)
      noQuote(t, '429', outcome, sent)
    })

    t.test('what it refuses is not sent, and not tried there again', async (t) => {
      const { outcome, accepts, sent } = await under({ code: wrongNumber })
      t.equal(accepts, 0)
      noQuote(t, 'refused', outcome, sent)
      t.ok(outcome.outcome === 'rejected' || (outcome.outcome === 'not_sent' && outcome.permanent === true))
    })

    t.test('a carrier that does not know us says so for all messages', async (t) => {
      t.match(await make(standIn.url, { wrong: true }).send(message()), {
        outcome: 'not_sent',
        reason: 'misconfigured',
        permanent: true,
        barred: true,
      })
    })

    t.test('where the connection never came up nothing was sent', async (t) => {
      const closed = make(`http://127.0.0.1:${await freePort()}`)
      t.match(await closed.send(message()), { outcome: 'not_sent', reason: 'carrier_failed', permanent: undefined })
      // Takes the connection, and never answers the TLS greeting.
      const mute = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1')
      await once(mute, 'listening')
      t.teardown(() => mute.close())
      const { port } = mute.address() as { port: number }
      t.match(await make(`https://127.0.0.1:${port}`, { patienceMs: 4_000 }).send(message()), { outcome: 'not_sent' })
    })

    t.test('its list, where it has one, tells what was taken and fails where it cannot be asked', async (t) => {
      if (provider.list === undefined) return t.pass('it has none: what is unknown stays so')
      const { sent } = await under({ fault: 'reset-after-accept' })
      t.match(await provider.list(sent.to, new Date(Date.now() - 60_000)), [{ body: text, at: Date }])
      await standIn.order({ to: sent.to, fault: '503', on: 'list' })
      return t.rejects(provider.list(sent.to, new Date()))
    })
  })

t.test('inbox', async (t) => {
  const redis = createRedis(testStores().redisUrl, {
    log: createLog('test', 'fatal'),
    name: 'test',
    patience: 'request',
  })
  t.teardown(() => redis.disconnect())
  await eventually('redis', async () => redis.status === 'ready')
  const sealer = createSealer([{ id: 'k1', secret: Buffer.alloc(32, 7) }])
  const inbox = createInbox({ lane: 'inbox', redis, sealer })
  t.equal(inbox.name, 'inbox')

  t.test('what it takes is the number and the text as they are, under the id that it gives', async (t) => {
    const sent = message()
    t.strictSame(await inbox.send(sent), { outcome: 'accepted', providerMessageId: `${sent.id}-1` })
    const found = (await redis.lrange(inboxKey, 0, -1)).flatMap((box) => {
      try {
        return [JSON.parse(sealer.open(box, inboxContext)) as { to: string; body: string }]
      } catch {
        return []
      }
    })
    t.match(
      found.filter(({ to }) => to === sent.to),
      [{ body: text }],
    )
  })

  t.test('without its Redis nobody knows whether it was taken', async (t) => {
    const away = createRedis(`redis://127.0.0.1:${await freePort()}`, {
      log: createLog('test', 'fatal'),
      name: 'test',
      patience: 'request',
    })
    t.teardown(() => away.disconnect())
    t.match(await createInbox({ lane: 'inbox', redis: away, sealer }).send(message()), { outcome: 'unknown' })
  })
})
