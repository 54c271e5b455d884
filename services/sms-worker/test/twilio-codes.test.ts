import t from 'tap'
import { classifyRefusal } from '../src/providers/twilio-codes.js'
import { retryDelayMs } from '../src/routing/retry-schedule.js'

const classify = (status: number, code?: number, retryAfterMs?: number) =>
  classifyRefusal({ status, code, retryAfterMs })

t.test('what concerns the recipient is final', async (t) => {
  const reasons = {
    21211: 'invalid_number',
    21604: 'invalid_number',
    21608: 'misconfigured',
    21610: 'opted_out',
    21612: 'blocked',
    21614: 'not_mobile',
    21408: 'misconfigured',
  }
  for (const [code, reason] of Object.entries(reasons))
    t.match(classify(400, Number(code)), { outcome: 'rejected', reason, carrierCode: code })
})

t.test('only where Twilio itself has no way to a number another carrier may', async (t) => {
  const elsewhere = (code: number) => 'elsewhere' in classify(400, code)
  t.strictSame([21612, 21408].map(elsewhere), [true, true])
  t.strictSame([21211, 21604, 21608, 21610, 21614].map(elsewhere), [false, false, false, false, false])
})

t.test('only wrong credentials and a closed account bar the whole lane', async (t) => {
  const barred = (code?: number) => 'barred' in classify(401, code)
  t.strictSame([20003, 20005, 20404, undefined].map(barred), [true, true, true, true])
  t.strictSame([21606, 21617, 21212].map(barred), [false, false, false])
})

t.test('what is our own mistake is not sent, and not tried again', async (t) => {
  for (const code of [20003, 20005, 20404, 21212, 21602, 21603, 21606, 21609, 21617, 21624, 21701, 21705])
    t.match(classify(400, code), { outcome: 'not_sent', reason: 'misconfigured', permanent: true })
  t.match(classify(401), { outcome: 'not_sent', reason: 'misconfigured', permanent: true })
})

t.test('too fast is not sent, and tried again when Twilio says so', async (t) => {
  t.strictSame(classify(429, 20429, 7_000), {
    outcome: 'not_sent',
    reason: 'carrier_failed',
    carrierCode: '20429',
    retryAfterMs: 7_000,
  })
  t.strictSame(classify(429), { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: 'http-429' })
  t.strictSame(classify(400, 21611), { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: '21611' })
})

t.test('a refusal without a code may be of a proxy, and is tried again', async (t) => {
  for (const status of [400, 403, 404, 409, 425])
    t.strictSame(classify(status), { outcome: 'not_sent', reason: 'carrier_failed', carrierCode: `http-${status}` })
  t.match(classify(400, 21999), { outcome: 'not_sent', reason: 'carrier_failed', permanent: true })
})

t.test('behind a 5xx or a proxy that gave up the message may have been taken', async (t) => {
  for (const status of [500, 502, 503, 504, 408]) t.equal(classify(status).outcome, 'unknown')
  t.equal(classify(503, 21610).outcome, 'unknown')
})

t.test('pauses begin at about a second, double, and end at fifteen', async (t) => {
  const middle = [1, 2, 3, 4, 5, 6, 60].map((tries) => retryDelayMs(tries, () => 0.5))
  t.strictSame(middle, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
  t.strictSame([retryDelayMs(1, () => 0), retryDelayMs(1, () => 0.999)], [750, 1_250])
})
