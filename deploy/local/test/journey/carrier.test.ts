import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { journey, randomPhone, twilioStandIn } from './journey.js'

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

t.test('the carrier', async (t) => {
  const twilio = await twilioStandIn(t)
  const { call } = await journey(t, twilio.env)

  t.test('a sign-up answers in the same time with a carrier that takes 5 s as with one that takes 5 ms', async (t) => {
    const timed = async (ms: number) => {
      const phone = randomPhone()
      await twilio.order({ to: phone, fault: 'slow', ms })
      const start = performance.now()
      const { status } = await call('POST', '/v1/signup', { phone })
      t.equal(status, 202)
      return performance.now() - start
    }
    const [fast, slow]: [number[], number[]] = [[], []]
    for (let n = 0; n < 25; n++) {
      fast.push(await timed(5))
      slow.push(await timed(5_000))
    }
    t.comment(`median with 5 ms: ${median(fast).toFixed(1)} ms, with 5 s: ${median(slow).toFixed(1)} ms`)
    t.ok(median(slow) < median(fast) * 1.5 + 2, `${median(slow)} against ${median(fast)}`)
    t.ok(Math.max(...slow) < 1_000, `the slowest took ${Math.max(...slow)} ms`)
  })

  t.test(
    'whatever the carrier does, the code arrives, is the same in every SMS, and no message is accepted more than twice',
    async (t) => {
      const faults = [
        { fault: '503', times: 1 },
        { fault: '429', times: 1, ms: 1_000 },
        { fault: 'reset-before', times: 1 },
        { fault: 'reset-after-accept', times: 1 },
        { fault: 'html-200', times: 1 },
        { fault: 'error-200', times: 1 },
        { fault: 'truncated', times: 1 },
        { fault: 'hang', times: 1 },
        { fault: 'slow', times: 1, ms: 1_500 },
      ]
      await Promise.all(
        faults.map(async (fault) => {
          const phone = randomPhone()
          await twilio.order({ to: phone, ...fault })
          const { body } = await call('POST', '/v1/signup', { phone })
          const code = await twilio.code(phone)
          t.match(
            await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code }),
            { status: 201 },
            fault.fault,
          )
          await eventually(
            `the log after ${fault.fault}`,
            async () =>
              ['sent', 'delivered', 'expired'].includes(
                (await call('GET', `/v1/challenges/${body.challenge.id}`)).body.delivery,
              ),
            20_000,
          )
          const accepts = await twilio.accepts(phone)
          t.ok(accepts.length >= 1 && accepts.length <= 2, `${fault.fault}: ${accepts.length} accepts`)
          t.equal(new Set(accepts.map((accept) => /\d{6}/.exec(accept.body)?.[0])).size, 1)
        }),
      )
    },
  )

  t.test('a code that was used before the carrier could take it is never sent again', async (t) => {
    const phone = randomPhone()
    const { body } = await call('POST', '/v1/signup', { phone })
    const code = await twilio.code(phone)
    await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code })
    t.match(await call('POST', `/v1/challenges/${body.challenge.id}/resend`), { status: 410 })
    t.equal((await twilio.accepts(phone)).length, 1)
  })
})
