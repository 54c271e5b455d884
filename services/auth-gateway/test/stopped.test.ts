import { randomBytes } from 'node:crypto'
import { copyFields } from '@latchkey/contracts/copy-record'
import { type SwitchRecord, switchesKey } from '@latchkey/contracts/switch-record'
import { createLog } from '@latchkey/kit/log'
import { createRedis } from '@latchkey/kit/redis'
import { eventually, testStores } from '@latchkey/kit/testing'
import { Registry } from 'prom-client'
import t, { type Test } from 'tap'
import { createForgotPassword } from '../src/flows/forgot-password.js'
import { createReadIdentifier } from '../src/flows/accounts.js'
import type { RefuseStopped } from '../src/flows/ports.js'
import { createResendChallenge } from '../src/flows/resend-challenge.js'
import { createReadPhone } from '../src/phones/canonical-phone.js'
import { createSmsSwitches } from '../src/sms-switches.js'
import { challengeHarness, numbers, policy } from './challenge-harness.js'

const caller = { requestId: 'test', face: 'v1', locale: 'en' }
const readPhone = createReadPhone({ countries: '*', testNumbers: new Map() })
const at = (fromNowMs: number) => new Date(Date.now() + fromNowMs).toISOString()

async function stops(t: Test, ...switches: readonly Partial<SwitchRecord>[]) {
  const prefix = `{t${randomBytes(6).toString('hex')}}`
  const key = switchesKey(prefix)
  const redis = createRedis(testStores().redisUrl, { log: createLog('test', 'fatal'), name: 'q', patience: 'request' })
  t.teardown(async () => {
    await redis.del(key)
    redis.disconnect()
  })
  await eventually('redis', async () => redis.status === 'ready')
  const records = switches.map((each, n): [string, string] => [
    String(n),
    JSON.stringify({ does: 'stop', since: at(-1_000), until: at(60_000), ...each }),
  ])
  await redis.hset(key, {
    [copyFields.version]: '1',
    [copyFields.complete]: '1',
    ...Object.fromEntries<string>(records),
  })
  const metrics = new Registry()
  return { ...createSmsSwitches({ redis, prefix, metrics }), metrics, redis, key }
}

t.test('what is stopped is refused with the moment until which it is, and nothing else is', async (t) => {
  const until = at(90_000)
  const { refuseStopped, metrics } = await stops(
    t,
    { target: 'country', name: 'PK', until },
    { target: 'purpose', name: 'sign_up' },
    { does: 'pause', target: 'lane', name: 'twilio' },
  )
  const refusal = { code: 'unavailable', effect: 'none' }
  await t.rejects(refuseStopped({ purposes: ['sign_in'], country: 'PK' }), {
    ...refusal,
    members: { retryAt: new Date(until), detail: /to this country/ },
  })
  await t.rejects(refuseStopped({ purposes: ['sign_up', 'sign_in'], country: 'IN' }), refusal)
  await t.resolves(refuseStopped({ purposes: ['sign_in'], country: 'IN' }))
  await t.resolves(refuseStopped({ purposes: ['sign_in'] }))
  const told = await metrics.metrics()
  t.match(told, /latchkey_switched{does="stop",target="country",name="PK"} 1/)
  t.notMatch(told, /twilio/, 'the gateway has no lanes')
})

t.test('a stop ends by itself', async (t) => {
  const { refuseStopped } = await stops(t, { target: 'country', name: 'PK', until: at(-1) })
  await t.resolves(refuseStopped({ purposes: ['sign_in'], country: 'PK' }))
})

t.test(
  'a rule of the guard does what an operator ordered, until its time; the others what is configured',
  async (t) => {
    const configured = { ranges: 'monitor', networks: 'enforce', day_budget: 'enforce' } as const
    const { guardModes, metrics, refuseStopped } = await stops(
      t,
      { does: 'enforce', target: 'guard', name: 'ranges' },
      { does: 'off', target: 'guard', name: 'networks', until: at(-1) },
      { does: 'stop', target: 'guard', name: 'day_budget' },
      { does: 'off', target: 'country', name: 'day_budget' },
    )
    t.strictSame(await guardModes(configured), { ...configured, ranges: 'enforce' })
    t.match(await metrics.metrics(), /latchkey_switched{does="enforce",target="guard",name="ranges"} 1/)
    await t.resolves(refuseStopped({ purposes: ['sign_up'], country: 'IN' }), 'and nobody is stopped by it')
  },
)

t.test('without a copy of the switches the guard does what is configured', async (t) => {
  const { guardModes, redis, key } = await stops(t, { does: 'off', target: 'guard', name: 'ranges' })
  await redis.del(key)
  const configured = { ranges: 'enforce', networks: 'monitor', day_budget: 'off' } as const
  t.strictSame(await guardModes(configured), configured)
})

t.test('a reset tells nobody by the country of a phone that the caller did not type', async (t) => {
  const asked: Parameters<RefuseStopped>[0][] = []
  const forgot = createForgotPassword({
    canMail: true,
    users: {
      findPhone: async () => {
        throw new Error('nobody is looked for before it is asked')
      },
    },
    refuseStopped: async (wanted) => {
      asked.push(wanted)
      throw new Error('refused')
    },
    startChallenge: async () => {
      throw new Error('nothing is started')
    },
    readIdentifier: createReadIdentifier(readPhone),
    readPhone,
  })
  for (const identifier of ['asha@example.com', 'asha', '+919876543210'])
    await t.rejects(forgot({ identifier }, caller, policy), { message: 'refused' })
  const purposes = ['reset_password']
  t.strictSame(asked, [{ purposes }, { purposes }, { purposes, country: 'IN' }])
})

t.test('a resend of what is stopped is taken back: nothing is spent, and the code in hand stays right', async (t) => {
  const { store, open, clock, withinBudget } = await challengeHarness(t)
  const { id } = await open({ country: 'PK' })
  const { refuseStopped } = await stops(t, { target: 'country', name: 'PK' })
  const sent: string[] = []
  const sms = { send: async ({ messageId }: { messageId: string }) => void sent.push(messageId), has: async () => true }
  const needs = { challenges: store, sms, withinBudget, numbers }
  clock.offsetMs += 31_000
  await t.rejects(createResendChallenge({ ...needs, refuseStopped })(id, caller, policy), { code: 'unavailable' })
  t.strictSame(sent, [])
  const resend = createResendChallenge({ ...needs, refuseStopped: async () => undefined })
  t.match(await resend(id, caller, policy), { resendsLeft: policy.resends - 1 })
  t.equal(sent.length, 1)
})
