import { once } from 'node:events'
import { randomInt } from 'node:crypto'
import t, { type Test } from 'tap'
import { createLatency } from '../src/latency.js'
import { createStandIn } from '../src/server.js'

const accountSid = `AC${'a'.repeat(32)}`
const authToken = 'a-token'
const somebody = () => `+9198${randomInt(10_000_000, 99_999_999)}`

async function start(t: Test) {
  const server = createStandIn({ accountSid, authToken }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}`
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`
  const messages = `${url}/2010-04-01/Accounts/${accountSid}/Messages.json`
  return {
    url,
    messages,
    send: (to: string, headers: Record<string, string> = { authorization }) =>
      fetch(messages, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ To: to, From: '+15005550006', Body: 'hello', ValidityPeriod: '60' }),
      }),
    list: (query: Record<string, string>) =>
      fetch(`${messages}?${new URLSearchParams(query).toString()}`, { headers: { authorization } }),
    order: (fault: object) => fetch(`${url}/faults`, { method: 'POST', body: JSON.stringify(fault) }),
    ledger: async (to: string) =>
      (await (await fetch(`${url}/ledger?to=${encodeURIComponent(to)}`)).json()) as Record<string, unknown>[],
  }
}

t.test('what is taken is in the ledger, and is found by number and time', async (t) => {
  const { send, ledger, list } = await start(t)
  const to = somebody()
  const answer = await send(to)
  const { sid } = (await answer.json()) as { sid: string }
  t.equal(answer.status, 201)
  t.match(await ledger(to), [
    { sid, to, from: '+15005550006', body: 'hello', validityPeriod: 60, statusCallback: null },
  ])
  const found = async (query: Record<string, string>) =>
    ((await (await list(query)).json()) as { messages: { sid: string }[] }).messages.map((message) => message.sid)
  t.strictSame(await found({ To: to, 'DateSent>': new Date(Date.now() - 5_000).toISOString() }), [sid])
  t.strictSame(await found({ To: to, 'DateSent>': new Date(Date.now() + 5_000).toISOString() }), [])
  t.strictSame(await found({ To: somebody() }), [])
})

t.test('wrong credentials are refused in words of the original, and nothing is taken', async (t) => {
  const { send, ledger } = await start(t)
  const to = somebody()
  const answer = await send(to, { authorization: 'Basic wrong' })
  t.match([answer.status, await answer.json()], [401, { code: 20003 }])
  t.strictSame(await ledger(to), [])
})

t.test('a fault spoils the calls of its recipient only, as often as ordered', async (t) => {
  const { send, order, ledger, url } = await start(t)
  const [spoiled, other] = [somebody(), somebody()]
  await order({ to: spoiled, fault: '503', times: 1 })
  await order({ to: spoiled, code: 21610, times: 1 })
  t.equal((await send(other)).status, 201)
  const left = async () => (await fetch(`${url}/faults?to=${encodeURIComponent(spoiled)}`)).json()
  t.match(await left(), [
    { fault: '503', times: 1 },
    { fault: 'refuse', times: 1 },
  ])
  t.equal((await send(spoiled)).status, 503)
  t.match(await left(), [{ fault: 'refuse', times: 1 }])
  const refused = await send(spoiled)
  t.match([refused.status, await refused.json()], [400, { code: 21610 }])
  t.strictSame(await ledger(spoiled), [])
  t.equal((await send(spoiled)).status, 201)
})

t.test(
  'a reset before the accept takes nothing; a reset after it, a cut and a slow answer take the message',
  async (t) => {
    const { send, order, ledger } = await start(t)
    const taken = async (fault: string) => {
      const to = somebody()
      await order({ to, fault, ms: 50 })
      await send(to)
        .then((answer) => answer.text())
        .catch(() => 'lost')
      return (await ledger(to)).length
    }
    t.equal(await taken('reset-before'), 0)
    t.equal(await taken('hang'), 0)
    t.equal(await taken('reset-after-accept'), 1)
    t.equal(await taken('503-after-accept'), 1)
    t.equal(await taken('truncated'), 1)
    t.equal(await taken('slow'), 1)
    t.equal(await taken('slow-drip'), 1)
  },
)

t.test('a list may lag; a trial account writes before the text', async (t) => {
  const { send, order, list, ledger } = await start(t)
  const to = somebody()
  const listed = async () => ((await (await list({ To: to })).json()) as { messages: { body: string }[] }).messages
  await order({ to, fault: 'reset-after-accept', times: 1, prefix: 'Trial - ' })
  await order({ to, on: 'list', fault: 'lag', times: 1 })
  await send(to).catch(() => undefined)
  t.strictSame(await listed(), [])
  t.match(await listed(), [{ body: 'Trial - hello' }])
  t.match(await ledger(to), [{ body: 'Trial - hello' }])
})

t.test('withdrawn faults spoil nothing any more', async (t) => {
  const { send, order, url } = await start(t)
  const to = somebody()
  await order({ fault: '503' })
  t.equal((await send(to)).status, 503)
  await fetch(`${url}/faults`, { method: 'DELETE' })
  t.equal((await send(to)).status, 201)
  t.equal((await order({ fault: 'earthquake' })).status, 400)
})

t.test(
  'a carrier takes its time as ordered: log-normal, the same sequence for the same seed, and stalls',
  async (t) => {
    const profile = { medianMs: 250, p99Ms: 1_200, seed: 7, stallShare: 0, stallMs: 5_000 }
    const draw = (next: () => number) => Array.from({ length: 20_000 }, next)
    const waits = draw(createLatency(profile))
    const sorted = waits.toSorted((a, b) => a - b)
    const at = (share: number) => sorted[Math.floor(share * sorted.length)] ?? 0
    t.ok(Math.abs(at(0.5) - 250) < 10, `the median is ${at(0.5)}`)
    t.ok(Math.abs(at(0.99) - 1_200) < 100, `the 99th percentile is ${at(0.99)}`)
    t.strictSame(draw(createLatency(profile)), waits)
    const stalled = draw(createLatency({ ...profile, stallShare: 0.01 })).filter((wait) => wait === 5_000).length
    t.ok(stalled > 130 && stalled < 270, `${stalled} of 20,000 are stalled`)
    const { url, send, ledger } = await start(t)
    const slowDown = (method: string, order?: object) =>
      fetch(`${url}/latency`, { method, ...(order && { body: JSON.stringify(order) }) })
    t.equal((await slowDown('POST', { medianMs: -1 })).status, 400)
    t.equal((await slowDown('POST', { medianMs: 300, p99Ms: 300 })).status, 200)
    const [to, began] = [somebody(), performance.now()]
    const sent = send(to)
    t.strictSame(await ledger(to), [], 'nothing is taken before its time')
    await sent
    t.ok(performance.now() - began >= 299)
    t.equal((await ledger(to)).length, 1)
    await fetch(`${url}/ledger`, { method: 'DELETE' })
    t.strictSame(await ledger(to), [])
    await slowDown('DELETE')
  },
)
