import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Agent } from 'node:http'
import { createServer } from 'node:net'
import { freePort } from '@latchkey/kit/testing'
import t from 'tap'
import type { SmsProvider } from '../src/providers/provider.js'
import { createTwilio } from '../src/providers/twilio.js'
import { createTwilioHttp } from '../src/providers/twilio-http.js'
import { accountSid, authToken, ourNumber, somebody, startStandIn } from './stand-in.js'

const standIn = await startStandIn(t)

const twilioAt = (baseUrl: string, options: { token?: string; receiptsUrl?: string; service?: string } = {}) =>
  createTwilio({
    accountSid,
    authToken: options.token ?? authToken,
    sender: options.service === undefined ? { from: ourNumber } : { messagingServiceSid: options.service },
    baseUrl,
    timeoutMs: 700,
    connections: 10,
    ...(options.receiptsUrl !== undefined && { receiptsUrl: options.receiptsUrl }),
  })
const twilio = twilioAt(standIn.url)
const message = () => ({ id: randomUUID(), to: somebody(), body: 'Acme: 123456 is your code.', lifeMs: 61_900 })
const aMinuteAgo = () => new Date(Date.now() - 60_000)
const sendUnder = async (fault: object, provider: SmsProvider = twilio) => {
  const sent = message()
  await standIn.order({ to: sent.to, ms: 3_000, ...fault })
  const outcome = await provider.send(sent)
  return { outcome, accepts: (await standIn.ledger(sent.to)).length }
}

t.test('a message is taken with its text, its sender and the life it has left', async (t) => {
  const sent = message()
  const twilioWithReceipts = twilioAt(standIn.url, { receiptsUrl: 'https://sms.example.com/receipts/twilio' })
  const outcome = await twilioWithReceipts.send({ ...sent, attempt: 2 })
  const [accept] = await standIn.ledger(sent.to)
  t.strictSame(outcome, { outcome: 'accepted', providerMessageId: accept?.sid })
  t.match(accept, {
    to: sent.to,
    from: ourNumber,
    body: sent.body,
    validityPeriod: 61,
    statusCallback: `https://sms.example.com/receipts/twilio?message=${sent.id}&attempt=2#rc=5&rp=5xx,ct,rt`,
  })
})

t.test('without a public address no receipt is asked for; a life is 1 to 36000 seconds', async (t) => {
  const [short, long] = [
    { ...message(), lifeMs: 300 },
    { ...message(), lifeMs: 1e9 },
  ]
  await twilio.send(short)
  await twilio.send(long)
  t.match(await standIn.ledger(short.to), [{ validityPeriod: 1, statusCallback: null }])
  t.match(await standIn.ledger(long.to), [{ validityPeriod: 36_000 }])
})

t.test('a messaging service sends in place of a number', async (t) => {
  const sent = message()
  const provider = twilioAt(standIn.url, { service: `MG${'2'.repeat(32)}` })
  t.match(await provider.send(sent), { outcome: 'accepted' })
  t.match(await standIn.ledger(sent.to), [{ from: null, messagingServiceSid: `MG${'2'.repeat(32)}` }])
  t.equal((await provider.list?.(sent.to, aMinuteAgo()))?.length, 1)
})

t.test('every misbehaviour after the request was written is unknown', async (t) => {
  const unknown = async (fault: string, accepts: number) =>
    t.match(await sendUnder({ fault }), { outcome: { outcome: 'unknown' }, accepts }, fault)
  await unknown('503', 0)
  await unknown('hang', 0)
  await unknown('reset-before', 0)
  await unknown('reset-after-accept', 1)
  await unknown('error-200', 0)
  await unknown('truncated', 1)
  await unknown('slow', 1)
  await unknown('odd-sid', 1)
})

t.test('an answer that is no JSON is unreadable, and not quoted', async (t) => {
  t.strictSame(await sendUnder({ fault: 'html-200' }), {
    outcome: { outcome: 'unknown', carrierCode: 'unreadable' },
    accepts: 0,
  })
})

t.test('an answer that drips is given up when the whole call is too long', async (t) => {
  const since = performance.now()
  t.match(await sendUnder({ fault: 'slow-drip' }), { outcome: { outcome: 'unknown' }, accepts: 1 })
  t.ok(performance.now() - since < 2_500)
})

t.test('a refusal is told by its code, and too fast with the time to wait', async (t) => {
  t.strictSame(await sendUnder({ code: 21610 }), {
    outcome: { outcome: 'rejected', reason: 'opted_out', carrierCode: '21610' },
    accepts: 0,
  })
  t.strictSame(await sendUnder({ fault: '429', ms: 3_000 }), {
    outcome: { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: '20429', retryAfterMs: 3_000 },
    accepts: 0,
  })
  t.match(await twilioAt(standIn.url, { token: 'wrong' }).send(message()), {
    outcome: 'not_sent',
    reason: 'misconfigured',
    carrierCode: '20003',
    permanent: true,
  })
})

t.test('where the connection never came up nothing was sent', async (t) => {
  const closed = await twilioAt(`http://127.0.0.1:${await freePort()}`).send(message())
  t.strictSame(closed, { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'ECONNREFUSED' })
  // Takes the connection, and never answers the TLS greeting.
  const mute = createServer((socket) => void socket.on('error', () => undefined)).listen(0, '127.0.0.1')
  await once(mute, 'listening')
  t.teardown(() => mute.close())
  const { port } = mute.address() as { port: number }
  t.match(await twilioAt(`https://127.0.0.1:${port}`).send(message()), { outcome: 'not_sent' })
})

t.test('as many connections stay open as may be in use, with TLS and without', async (t) => {
  const { axios } = createTwilioHttp({ baseUrl: 'https://127.0.0.1', timeoutMs: 100, connections: 123 })
  const { httpAgent, httpsAgent } = axios.defaults as Record<'httpAgent' | 'httpsAgent', Agent>
  t.strictSame([httpAgent.maxFreeSockets, httpsAgent.maxFreeSockets], [123, 123])
})

t.test('the list tells what was taken, and nothing of another sender, number or time', async (t) => {
  const sent = message()
  const outcome = await twilio.send(sent)
  const taken = await twilio.list?.(sent.to, aMinuteAgo())
  t.match(taken, [{ body: sent.body, providerMessageId: 'providerMessageId' in outcome && outcome.providerMessageId }])
  t.ok(Math.abs(Date.now() - (taken?.[0]?.at.getTime() ?? 0)) < 5_000)
  t.strictSame(await twilio.list?.(somebody(), aMinuteAgo()), [])
  t.strictSame(await twilio.list?.(sent.to, new Date(Date.now() + 60_000)), [])
  const elsewhere = twilioAt(standIn.url, { service: `MG${'3'.repeat(32)}` })
  t.strictSame(await elsewhere.list?.(sent.to, aMinuteAgo()), [])
})

t.test('a list that fails says so instead of "nothing"', async (t) => {
  for (const fault of ['503', 'html-200', 'error-200', 'reset-before', 'hang']) {
    const sent = message()
    await standIn.order({ to: sent.to, fault, on: 'list' })
    await t.rejects(Promise.resolve(twilio.list?.(sent.to, new Date())), fault)
  }
})
