import { Redis } from 'ioredis'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { randomPhone } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { production, type Production, someoneWithCode } from './production.js'
import { copyData, ownRedisServer } from './servers.js'

const wrongOf = (code: string): string => code.replace(/^./, (digit) => String((Number(digit) + 1) % 10))

const until = (on: Production, id: string, delivery: string) =>
  eventually(`the message to be ${delivery}`, async () => {
    const { body } = await on.call('GET', `/v1/challenges/${id}`)
    return body.delivery === delivery
  })

t.test('a Redis out of memory grants no attempt, and the code still works afterwards', (t) => outOfMemory(t, false))
t.test('a Redis out of memory grants no attempt where the queue has one of its own either', (t) => outOfMemory(t, true))

async function outOfMemory(t: Test, split: boolean): Promise<void> {
  const env = split ? { QUEUE_REDIS_URL: (await ownRedisServer(t)).url } : {}
  const on = await production(t, { env })
  const { call } = on
  const redis = new Redis(on.redis.url)
  t.teardown(() => redis.disconnect())
  const { phone, id, code, answerPath } = await someoneWithCode(on)
  await until(on, id, 'sent')

  await redis.config('SET', 'maxmemory', '100kb')
  for (let n = 0; n < 7; n++) {
    const began = performance.now()
    t.match(await call('POST', answerPath, { code: wrongOf(code) }), { status: 503, body: { code: 'unavailable' } })
    t.ok(performance.now() - began < 2_000)
  }
  t.match(await call('POST', answerPath, { code }), { status: 503 }, 'not even the right one')
  t.match(await call('POST', '/v1/signup', { phone: randomPhone() }), { status: 503 })
  await redis.config('SET', 'maxmemory', '0')

  t.match((await call('GET', `/v1/challenges/${id}`)).body, { challenge: { attemptsLeft: 5 } }, 'none was counted')
  t.match(await call('POST', answerPath, { code: wrongOf(code) }), { status: 400, body: { attemptsLeft: 4 } })
  const { status, body } = await call('POST', answerPath, { code })
  t.equal(status, 201)
  const { challenge } = (await call('GET', `/v1/challenges/${id}`)).body
  const session = { id: body.session.id, userId: body.user.id, at: Date.now() }
  await checkInvariants(t, on, [{ phone, told: [], challenge, session }])
}

t.test('a code that was used stays dead when Redis comes back from a copy in which it was not', async (t) => {
  const on = await production(t)
  const { call, redis, ledger } = on
  const used = await someoneWithCode(on)
  const unused = await someoneWithCode(on)
  for (const { id } of [used, unused]) await until(on, id, 'sent')
  const copy = copyData(redis)
  const { status, body } = await call('POST', used.answerPath, { code: used.code })
  t.equal(status, 201)

  await redis.kill()
  copy.putBack()
  await redis.restart()
  await on.readyAgain()
  const { challenge } = (await call('GET', `/v1/challenges/${used.id}`)).body
  t.equal(challenge.attemptsLeft, 5, 'Redis believes that it lives')
  for (let n = 0; n < 3; n++)
    t.match(await call('POST', used.answerPath, { code: used.code }), { status: 410, body: { code: 'challenge.gone' } })
  t.same(await on.fenced(), { forgot: 1, unsure: 0 }, 'and the alarm rings, once a code')
  t.match(await call('POST', unused.answerPath, { code: unused.code }), { status: 201 }, 'the others are as they were')
  t.equal((await ledger()).length, 2, 'and nothing was sent again')
  const session = { id: body.session.id, userId: body.user.id, at: Date.now() }
  await checkInvariants(t, on, [{ phone: used.phone, told: [], challenge, session }])
})
