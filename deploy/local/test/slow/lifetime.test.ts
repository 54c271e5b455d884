import { randomBytes } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { caller, journey, newPerson, password, randomPhone, twilioStandIn } from '../journey/journey.js'

/** Starts `count` calls, waits for the first answer, acts, and gives all answers: the others were in flight. */
async function whileInFlight<T>(count: number, call: () => Promise<T>, act: () => unknown): Promise<T[]> {
  const calls = Array.from({ length: count }, call)
  await Promise.race(calls)
  act()
  return Promise.all(calls)
}

t.test('a gateway told to stop answers what is in flight, and goes with 0', async (t) => {
  const { stack, call } = await journey(t)
  const { phone } = await newPerson(call)
  const { pid, ended } = stack.processes['auth-gateway']
  const answers = await whileInFlight(
    12,
    () => call('POST', '/v1/login', { identifier: phone, password }),
    () => process.kill(pid, 'SIGTERM'),
  )
  t.same(
    answers.map(({ status }) => status),
    Array<number>(12).fill(200),
  )
  t.equal(await ended, 0)
})

t.test('users told to stop answers what is in flight, and goes with 0', async (t) => {
  const secret = randomBytes(32).toString('base64url')
  const { stack } = await journey(t, { INTERNAL_SECRET: secret })
  const call = caller(t, stack.usersUrl)
  const { pid, ended } = stack.processes.users
  const answers = await whileInFlight(
    12,
    () => call('POST', '/internal/sign-ups/prepare', { phone: randomPhone(), email: null, password }, secret),
    () => process.kill(pid, 'SIGTERM'),
  )
  t.same(
    answers.map(({ status }) => status),
    Array<number>(12).fill(200),
  )
  t.equal(await ended, 0)
})

t.test(
  'a worker told to stop finishes its sends, and goes with 0; the codes of the meantime wait for the next',
  async (t) => {
    const twilio = await twilioStandIn(t)
    const { stack, call } = await journey(t, twilio.env)
    const slow = randomPhone()
    await twilio.order({ to: slow, fault: 'slow', ms: 4_000, times: 1 })
    const { body } = await call('POST', '/v1/signup', { phone: slow })
    await eventually('the send to begin', async () => (await metric(stack.opsUrls['sms-worker'], 'active')) === 1)
    const { pid, ended } = stack.processes['sms-worker']
    process.kill(pid, 'SIGTERM')
    await eventually('the worker to stop taking jobs', async () => stack.logs().includes('"reason":"SIGTERM"'))
    const later = randomPhone()
    await call('POST', '/v1/signup', { phone: later })
    t.equal(await ended, 0)
    t.equal((await twilio.accepts(slow)).length, 1)
    t.same(await twilio.accepts(later), [])
    await eventually(
      'the log',
      async () => (await call('GET', `/v1/challenges/${body.challenge.id}`)).body.delivery === 'sent',
    )

    await stack.restart('sms-worker')
    await twilio.code(later)
  },
)

async function metric(opsUrl: string, state: string): Promise<number> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text()
  return Number(new RegExp(`^latchkey_code_jobs\\{[^}]*state="${state}"[^}]*\\} (\\d+)`, 'm').exec(text)?.[1])
}
