import { addressOf, startProxy, through } from '@latchkey/kit/test-proxy'
import { eventually } from '@latchkey/kit/testing'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { randomPhone } from '../journey/journey.js'
import { checkInvariants } from './invariants.js'
import { codeIn, production, someoneWithCode } from './production.js'
import { ownRedisServer } from './servers.js'

/** Longer than a gateway may take to start again on a busy machine. */
const cooldownSeconds = 12
const cooldownMs = 2 * cooldownSeconds * 1_000

/** The gateway alone reaches the queue over a line that can be shut. */
async function lineToQueue(t: Test) {
  const queue = await ownRedisServer(t)
  const on = await production(t, { env: { QUEUE_REDIS_URL: queue.url, SEND_COOLDOWNS_SECONDS: `${cooldownSeconds}` } })
  const line = await startProxy(addressOf(queue.url, 6379))
  t.teardown(() => line.close())
  const throughLine = { QUEUE_REDIS_URL: through(queue.url, line.port) }
  await on.stack.processes['auth-gateway'].stop('SIGTERM', 10_000)
  await on.stack.restart('auth-gateway', throughLine)
  const redis = new Redis(on.redis.url)
  t.teardown(() => redis.disconnect())
  return {
    on,
    line,
    /** Starts the gateway again, on the same line. */
    restart: () => on.stack.restart('auth-gateway', throughLine),
    sentTo: async (phone: string) => (await on.ledger()).filter(({ to }) => to === phone),
    challenges: async () => (await redis.keys('lk:*:challenge:*')).length,
    lastMessage: async (id: string) =>
      redis.hget(`lk:{${await shardOf(redis, id)}}:challenge:${id.slice(4)}`, 'messageId'),
  }
}

/** Which shard a challenge stands in is hidden in its id; its key tells. */
async function shardOf(redis: Redis, id: string): Promise<string> {
  const [key = ''] = await redis.keys(`lk:*:challenge:${id.slice(4)}`)
  return /{(.*)}/.exec(key)?.[1] ?? ''
}

t.test('an answer of the queue that is lost costs nobody a code, and sends nothing twice', async (t) => {
  const { on, line, sentTo } = await lineToQueue(t)
  const { call } = on
  const inHand = await someoneWithCode(on)
  const { challenge } = (await call('GET', `/v1/challenges/${inHand.id}`)).body
  const newcomer = randomPhone()
  await eventually('the cooldown to end', async () => Date.now() > Date.parse(challenge.resendAt), cooldownMs)

  line.swallowAnswers()
  const began = performance.now()
  const told = await Promise.all([
    call('POST', '/v1/signup', { phone: newcomer }),
    call('POST', `/v1/challenges/${inHand.id}/resend`),
  ])
  t.same(
    told.map(({ status }) => status),
    [503, 503],
    'nobody knows, and nobody is told that it worked',
  )
  t.ok(performance.now() - began < 2_000, `told after ${(performance.now() - began).toFixed(0)} ms`)

  await eventually('the SMS of the resend', async () => (await sentTo(inHand.phone)).length === 2)
  t.same((await sentTo(inHand.phone)).map(codeIn), [inHand.code, inHand.code], 'with the same code')
  await eventually('the line', async () => {
    const { status } = await call('POST', `/v1/challenges/${inHand.id}/resend`)
    t.ok([503, 429].includes(status), 'the resend was one, whatever its caller was told')
    return status === 429
  })
  const from = Date.now()
  const fresh = await eventually(
    'the cooldown',
    async () => {
      const reply = await call('POST', '/v1/signup', { phone: newcomer })
      t.ok([202, 429].includes(reply.status), 'a send that may have gone out is counted')
      return reply.status === 202 && reply
    },
    cooldownMs,
  )
  t.comment(`whoever was told 503 could ask again ${Date.now() - from} ms after the queue answered`)
  await eventually('its code', async () => (await on.sql(sentFor, [fresh.body.challenge.id])).length === 1)
  const codes = (await sentTo(newcomer)).map(codeIn)
  t.ok(codes.length <= 2, `the newcomer got ${codes.length} SMS: the first may have left before it was taken back`)
  const answerPath = `/v1/challenges/${fresh.body.challenge.id}/answer`
  for (const code of codes.slice(0, -1).filter((each) => each !== codes.at(-1)))
    t.match(await call('POST', answerPath, { code }), { status: 400 }, 'of two codes the earlier is dead')
  const answers = [
    {
      person: newcomer,
      challenge: fresh.body.challenge,
      reply: await call('POST', answerPath, { code: codes.at(-1) }),
    },
    { person: inHand.phone, challenge, reply: await call('POST', inHand.answerPath, { code: inHand.code }) },
  ]
  for (const { reply } of answers) t.equal(reply.status, 201)
  t.equal((await sentTo(inHand.phone)).length, 2, 'nothing more')
})

const sentFor = "select id from sms_messages where challenge_id = $1 and state = 'accepted'"

t.test(
  'a gateway killed between challenge and queue: a resend adds the message under its own id, at once',
  async (t) => {
    const { on, line, restart, sentTo, challenges, lastMessage } = await lineToQueue(t)
    const { call, stack } = on
    const resender = await someoneWithCode(on)
    const { challenge } = (await call('GET', `/v1/challenges/${resender.id}`)).body
    const newcomer = randomPhone()
    await eventually('the cooldown to end', async () => Date.now() > Date.parse(challenge.resendAt), cooldownMs)
    const [known, sent] = [await challenges(), await lastMessage(resender.id)]

    line.freeze()
    const asked = [
      call('POST', '/v1/signup', { phone: newcomer }),
      call('POST', `/v1/challenges/${resender.id}/resend`),
    ].map((asking) => asking.catch(() => 'nobody answered'))
    await eventually(
      'both to be between challenge and queue',
      async () => (await challenges()) > known && (await lastMessage(resender.id)) !== sent,
    )
    const { pid, ended } = stack.processes['auth-gateway']
    process.kill(pid, 'SIGKILL')
    await ended
    t.same(await Promise.all(asked), ['nobody answered', 'nobody answered'])
    const lost = await lastMessage(resender.id)
    // What was on the line dies with it.
    await line.cut()
    line.thaw()
    await line.mend()
    await restart()
    t.equal((await sentTo(resender.phone)).length, 1, 'the resend never went out')

    const resent = await call('POST', `/v1/challenges/${resender.id}/resend`)
    t.match(resent, { status: 202, body: { challenge: { resendsLeft: challenge.resendsLeft - 1 } } })
    t.ok(Date.parse(resent.body.challenge.resendAt) > Date.now(), 'inside the cooldown')
    t.equal(await lastMessage(resender.id), lost, 'under the id it had')
    await eventually('it', async () => (await on.sql(sentFor, [resender.id])).length === 2)
    t.same((await sentTo(resender.phone)).map(codeIn), [resender.code, resender.code], 'one SMS, the same code')
    t.match(await call('POST', `/v1/challenges/${resender.id}/resend`), { status: 429 }, 'and no other')
    const answer = await call('POST', resender.answerPath, { code: resender.code })
    t.equal(answer.status, 201)

    // Nobody was told the id of the newcomer's challenge: its send is spent, and the next one has to wait for the cooldown.
    const fresh = await eventually(
      'the cooldown',
      async () => {
        const reply = await call('POST', '/v1/signup', { phone: newcomer })
        t.ok([202, 429].includes(reply.status))
        return reply.status === 202 && reply
      },
      cooldownMs,
    )
    const code = await on.codeFor(newcomer)
    t.match(await call('POST', `/v1/challenges/${fresh.body.challenge.id}/answer`, { code }), { status: 201 })
    t.equal((await sentTo(newcomer)).length, 1)
    const session = { id: answer.body.session.id, userId: answer.body.user.id, at: Date.now() }
    await checkInvariants(t, on, [{ phone: resender.phone, told: [], challenge, session }])
  },
)
