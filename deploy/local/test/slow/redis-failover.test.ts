import { addressOf, startProxy } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { randomPhone } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { codeIn, production, type Production, someoneWithCode } from './production.js'
import { ownRedisServer, type Server } from './servers.js'

/** A replica that follows a primary over a line that can be silenced, and can take its place. */
async function replicaOf(t: Test, primary: Server) {
  const replica = await ownRedisServer(t)
  const line = await startProxy(addressOf(primary.url, 6379))
  t.teardown(() => line.close())
  const [old, following] = [new Redis(primary.url), new Redis(replica.url)]
  // Which ends with its server, before it is told to.
  old.on('error', () => undefined)
  t.teardown(() => following.disconnect())
  await old.config('SET', 'repl-diskless-sync-delay', '0')
  await following.replicaof('127.0.0.1', line.port)
  return {
    /** Until it has all that the primary has. */
    caughtUp: () => eventually('the replica', async () => (await old.wait(1, 1_000)) === 1, 20_000),
    /** It notices nothing, and hears no more. */
    lag: () => line.freeze(),
    /** The primary dies; whoever asks at its address meets the replica from now on. */
    async promote() {
      old.disconnect()
      await primary.kill()
      await following.replicaof('NO', 'ONE')
      const { port } = addressOf(primary.url, 6379)
      const door = await startProxy(addressOf(replica.url, 6379), { port })
      t.teardown(() => door.close())
    },
  }
}

const until = ({ call }: Production, id: string, delivery: string) =>
  eventually(
    `the message to be ${delivery}`,
    async () => (await call('GET', `/v1/challenges/${id}`)).body.delivery === delivery,
    20_000,
  )

t.test('a replica that lagged takes over: what was used stays dead, and nothing is sent a third time', async (t) => {
  const on = await production(t)
  const { call, stack, ledger, fenced } = on
  const sentTo = async (phone: string) => (await ledger()).filter(({ to }) => to === phone)
  const replica = await replicaOf(t, on.redis)
  const [used, untouched] = [await someoneWithCode(on), await someoneWithCode(on)]
  for (const { id } of [used, untouched]) await until(on, id, 'sent')
  // A job that waits while the replica still follows, and is done while it does not.
  await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
  const again = randomPhone()
  const waiting = (await call('POST', '/v1/signup', { phone: again })).body.challenge
  await replica.caughtUp()
  replica.lag()

  const answer = await call('POST', used.answerPath, { code: used.code })
  t.equal(answer.status, 201)
  await stack.restart('sms-worker')
  const firstCode = await on.codeFor(again)
  const lost = await someoneWithCode(on)
  for (const { id } of [waiting, lost]) await until(on, id, 'sent')

  await replica.promote()
  const promotedAt = Date.now()
  await on.readyAgain()
  t.comment(`all ready ${Date.now() - promotedAt} ms after the replica took over`)
  t.match((await call('GET', `/v1/challenges/${used.id}`)).body, { challenge: { attemptsLeft: 5 } }, 'it believes so')
  for (let n = 0; n < 3; n++)
    t.match(await call('POST', used.answerPath, { code: used.code }), { status: 410, body: { code: 'challenge.gone' } })
  t.same(await fenced(), { forgot: 1, unsure: 0 }, 'and the alarm rings, once a code')
  t.match(await call('POST', untouched.answerPath, { code: untouched.code }), { status: 201 }, 'others go on')

  // Job and fence went back together: the worker cannot know that it sent this one.
  await eventually('the second send', async () => (await sentTo(again)).length === 2, 20_000)
  t.same((await sentTo(again)).map(codeIn), [firstCode, firstCode], 'the same code')
  const second = await call('POST', `/v1/challenges/${waiting.id}/answer`, { code: firstCode })
  t.equal(second.status, 201)
  t.match(
    await call('POST', lost.answerPath, { code: lost.code }),
    { status: 410 },
    'a challenge that was lost is gone',
  )
  const fresh = await call('POST', '/v1/signup', { phone: lost.phone })
  t.equal(fresh.status, 202, 'and so is its cooldown')
  await eventually('its code', async () => (await sentTo(lost.phone)).length === 2, 20_000)
  const code = await on.codeFor(lost.phone)
  t.match(await call('POST', `/v1/challenges/${fresh.body.challenge.id}/answer`, { code }), { status: 201 })

  const session = ({ body }: typeof answer) => ({ id: body.session.id, userId: body.user.id, at: Date.now() })
  const { challenge } = (await call('GET', `/v1/challenges/${used.id}`)).body
  await checkInvariants(t, on, [
    { phone: used.phone, told: [], challenge, session: session(answer) },
    { phone: again, told: [], challenge: waiting, session: session(second) },
  ])
})
