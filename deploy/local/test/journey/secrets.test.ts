import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t from 'tap'
import { driveFaces } from '../dialects/canaries.js'
import { type Call, codeFromInbox, journey, randomPhone, twilioStandIn } from './journey.js'

const canaries = {
  password: 'canary-password-7431',
  name: 'Canary Nightingale',
  email: 'canary.nightingale@example.com',
}

/** Every flow there is, right and wrong; returns all that must stand nowhere. */
async function driveAll(
  call: Call,
  codeOf: (phone: string, count: number) => Promise<string>,
): Promise<{ texts: string[]; codes: string[] }> {
  const phone = randomPhone()
  const { body } = await call('POST', '/v1/signup', { phone, ...canaries, profile: { note: 'canary-profile-note' } })
  const answer = `/v1/challenges/${body.challenge.id}/answer`
  await call('POST', answer, { code: '000001' })
  const codes = [await codeOf(phone, 1)]
  const { session } = (await call('POST', answer, { code: codes[0] })).body
  const refreshed = (await call('POST', '/v1/token/refresh', { refreshToken: session.refreshToken })).body.session
  await call('GET', '/v1/me', undefined, refreshed.accessToken)
  await call('PATCH', '/v1/me', { name: canaries.name }, refreshed.accessToken)
  await call('POST', '/v1/login', { identifier: phone, password: `${canaries.password}-wrong` })
  await call('POST', '/v1/login', { identifier: canaries.email, password: canaries.password })
  await call('POST', '/v1/signup', { phone: 'canary-not-a-phone', password: canaries.password })
  const byCode = await call('POST', '/v1/login/code', { phone })
  codes.push(await codeOf(phone, 2))
  await call('POST', `/v1/challenges/${byCode.body.challenge.id}/answer`, { code: codes[1] })
  const forgot = await call('POST', '/v1/password/forgot', { identifier: canaries.email })
  codes.push(await codeOf(phone, 3))
  const reset = (await call('POST', `/v1/challenges/${forgot.body.challenge.id}/answer`, { code: codes[2] })).body
  await call('POST', '/v1/logout', { all: true }, refreshed.accessToken)
  return {
    texts: [
      phone,
      phone.slice(1),
      phone.slice(3),
      ...Object.values(canaries),
      'canary-profile-note',
      'canary-not-a-phone',
      session.refreshToken,
      session.accessToken,
      session.deviceToken,
      refreshed.refreshToken,
      refreshed.accessToken,
      reset.resetToken,
    ],
    codes,
  }
}

/** All keys and values of a Redis database, as text. */
async function dump(url: string): Promise<string> {
  const redis = new Redis(url)
  const parts: unknown[] = []
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key)
    const read = {
      string: () => redis.get(key),
      hash: () => redis.hgetall(key),
      list: () => redis.lrange(key, 0, -1),
      set: () => redis.smembers(key),
      zset: () => redis.zrange(key, '0', '-1'),
      stream: () => redis.xrange(key, '-', '+'),
    }[type]
    parts.push(key, await read?.())
  }
  redis.disconnect()
  return JSON.stringify(parts)
}

/** What leaks; codes count as whole tokens only, for digits stand in every timestamp. */
const leaks = (text: string, { texts, codes }: { texts: string[]; codes: string[] }): string[] => [
  ...texts.filter((secret) => text.includes(secret)),
  ...codes.filter((code) => new RegExp(`(?<![0-9A-Za-z_.-])${code}(?![0-9A-Za-z_-])`).test(text)),
]

for (const carrier of ['inbox', 'twilio'] as const) {
  t.test(`no code, password, token, phone or name in a log, in Redis or in a metric: with ${carrier}`, async (t) => {
    const twilio = carrier === 'twilio' ? await twilioStandIn(t) : undefined
    const { stack, call } = await journey(t, { LOG_LEVEL: 'trace', ...twilio?.env })
    const codeOf = twilio?.code ?? ((phone: string, count: number) => codeFromInbox(call, phone, count))
    const [onV1, atFaces] = [await driveAll(call, codeOf), await driveFaces(call, codeOf)]
    const secrets = { texts: [...onV1.texts, ...atFaces.texts], codes: [...onV1.codes, ...atFaces.codes] }
    await eventually(
      'the delivery log to settle',
      async () => (stack.logs().match(/"state":"accepted"/g) ?? []).length >= secrets.codes.length,
    )
    const metrics = (
      await Promise.all(Object.values(stack.opsUrls).map(async (url) => (await fetch(`${url}/metrics`)).text()))
    ).join()
    t.same(leaks(stack.logs(), secrets), [], 'logs')
    t.same(leaks(await dump(stack.redisUrl), secrets), [], 'Redis')
    t.same(leaks(metrics, secrets), [], 'metrics')
    t.ok(
      leaks(`${stack.logs()} "code":"${secrets.codes[0]}" ${secrets.texts[0]}`, secrets).length >= 2,
      'a planted leak is found',
    )
  })
}
