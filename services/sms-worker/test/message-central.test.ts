import { randomUUID } from 'node:crypto'
import type { E164 } from '@latchkey/contracts/phone'
import t from 'tap'
import { classifyAnswer } from '../src/providers/message-central-codes.js'
import { createMessageCentral, type MessageCentralOptions } from '../src/providers/message-central.js'
import { authToken, customerId, email, password, senderId, somebody, startStandIn } from './stand-in.js'

const message = (to: string = somebody()) => ({
  id: randomUUID(),
  to: to as E164,
  body: 'Acme: 123456',
  lifeMs: 60_000,
})
const login = { email, password }

const standIn = await startStandIn(t, 'messagecentral')
const provider = (options: Partial<MessageCentralOptions> = { login }) =>
  createMessageCentral({
    customerId,
    senderId,
    country: '91',
    baseUrl: standIn.url,
    timeoutMs: 3_000,
    connections: 50,
    ...options,
  })
const sinceNow = async () => {
  const before = await standIn.tokens()
  return async () => (await standIn.tokens()) - before
}

t.test('numbers go as their calling code and the national number, wherever they are', async (t) => {
  const { send } = provider({ token: authToken })
  for (const to of ['+919876543210', '+12025550123', '+447400123456', '+358401234567', '+5511987654321']) {
    t.match(await send(message(to)), { outcome: 'accepted' }, to)
    t.match(await standIn.ledger(to), [{ to, from: senderId }], to)
  }
})

t.test('a token that tells its end is renewed before it', async (t) => {
  const asked = await sinceNow()
  const ending = `t.${Buffer.from(JSON.stringify({ exp: Math.floor(Date.now() / 1_000) + 30 })).toString('base64url')}.x`
  t.match(await provider({ token: ending, login }).send(message()), { outcome: 'accepted' })
  t.equal(await asked(), 1)
})

t.test('a refused log-in is ours to mend, though it comes with HTTP 200; a silent one is the carrier’s', async (t) => {
  t.match(await provider({ login: { email, password: 'wrong' } }).send(message()), {
    outcome: 'not_sent',
    carrierCode: 'token-400',
    permanent: true,
    barred: true,
  })
  for (const fault of ['503', 'hang', 'html-200', 'reset-before', 'truncated', '429']) {
    await standIn.order({ to: '*', on: 'token', fault, times: 1 })
    const sent = message()
    const outcome = await provider().send(sent)
    t.match(outcome, { outcome: 'not_sent', reason: 'carrier_failed', permanent: undefined }, fault)
    t.notMatch(JSON.stringify(outcome), Buffer.from(password).toString('base64'))
    t.strictSame(await standIn.ledger(sent.to), [])
  }
})

t.test('a token that was made by hand is used, and no other asked for', async (t) => {
  const asked = await sinceNow()
  t.match(await provider({ token: authToken }).send(message()), { outcome: 'accepted' })
  t.equal(await asked(), 0)
})

t.test('one token serves all messages, however many wait for it, and so does the one after it', async (t) => {
  const asked = await sinceNow()
  const { send } = provider()
  const fifty = async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => send(message())))
    return outcomes.filter(({ outcome }) => outcome === 'accepted').length
  }
  t.equal(await fifty(), 50)
  t.equal(await asked(), 1)
  await standIn.killTokens()
  t.equal(await fifty(), 50)
  t.equal(await asked(), 2)
  t.match(await provider({ token: authToken }).send(message()), { outcome: 'not_sent', permanent: true, barred: true })
})

const answer = (responseCode: unknown, data: unknown = { transactionId: 'abc' }, status = 200) =>
  classifyAnswer({ status, body: { responseCode, data }, retryAfterMs: undefined })

t.test('the integer of an answer decides, whatever HTTP says', async (t) => {
  t.strictSame(answer(200), { outcome: 'accepted', providerMessageId: 'abc' })
  t.match(answer(200, { verificationId: 20 }), { outcome: 'accepted', providerMessageId: '20' })
  t.match(answer(400), { outcome: 'not_sent', reason: 'carrier_failed', permanent: true, barred: undefined })
  t.match(answer(511), { outcome: 'rejected', reason: 'misconfigured', elsewhere: true })
  for (const code of [501, 401, 403])
    t.match(answer(code), { outcome: 'not_sent', reason: 'misconfigured', permanent: true, barred: true })
  for (const code of [409, 506]) t.match(answer(code), { outcome: 'unknown', answered: true, carrierCode: `${code}` })
  t.match(answer(500), { outcome: 'unknown', answered: undefined })
  t.match(answer(800), { outcome: 'not_sent', retryAfterMs: 30_000, permanent: undefined })
  t.match(answer(400, null, 200), { carrierCode: '400' })
  t.match(answer(200, { transactionId: 'abc' }, 400), { outcome: 'accepted' })
})

t.test('what is not understood may have been taken', async (t) => {
  for (const code of [777, 201, 'SUCCESS', null, 200.5]) t.match(answer(code), { outcome: 'unknown' }, `${code}`)
  t.match(answer(200, { responseCode: '500', transactionId: 'abc' }), { outcome: 'unknown', carrierCode: '500' })
  t.match(answer(200, {}), { outcome: 'unknown', carrierCode: 'no-id' })
  t.match(answer(200, { transactionId: 'a b' }), { outcome: 'unknown' })
  t.match(answer(200, undefined, 503), { outcome: 'unknown', carrierCode: 'http-503' })
  t.match(classifyAnswer({ status: 200, body: undefined, retryAfterMs: undefined }), { carrierCode: 'unreadable' })
  t.match(classifyAnswer({ status: 404, body: undefined, retryAfterMs: undefined }), {
    outcome: 'not_sent',
    carrierCode: 'http-404',
    permanent: undefined,
  })
})

t.test('what a proxy on the way forbids bars no lane, what the carrier itself does not know us for does', async (t) => {
  const bare = (status: number) => classifyAnswer({ status, body: undefined, retryAfterMs: undefined })
  t.match(bare(401), { reason: 'misconfigured', permanent: true, barred: true })
  t.match(bare(403), { outcome: 'not_sent', reason: 'carrier_failed', permanent: undefined, barred: undefined })
})

t.test('a carrier that says what no list has may have taken the message, and is well', async (t) => {
  for (const code of [777, 201, 0, 999]) t.match(answer(code), { outcome: 'unknown', answered: true }, `${code}`)
})
