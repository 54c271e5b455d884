import { randomUUID } from 'node:crypto'
import { forGood, optOutsKey } from '@latchkey/contracts/opt-out-record'
import { parseKeyRing } from '@latchkey/kit/key-ring'
import t from 'tap'
import { createOptOuts } from '../src/opt-outs/opt-outs.js'
import { codeFor, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

const standIn = await startStandIn(t)
const prefix = randomPrefix()
const env = { ...workerEnv(), ...twilioEnv(standIn) }
const { redis, log, open, queue, until, events, finished, change } = createSurroundings(t, env, prefix)
createWorker(t, env, prefix).consumer.start()
const { nameOf } = createOptOuts({ redis, prefix, key: parseKeyRing(env['OPT_OUT_KEY'] ?? '')[0] })
const list = (fields: Record<string, string>) => redis.hset(optOutsKey(prefix), fields)
t.teardown(() => redis.del(optOutsKey(prefix)))
t.beforeEach(() => list({ version: '1', complete: '1' }).then(() => undefined))

t.test('whoever asked not to be texted gets no message, and the log says why', async (t) => {
  const to = somebody()
  await list({ [nameOf(to)]: forGood })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  t.match((await until(job, 'rejected', 8_000)).at(-1), { state: 'rejected', reason: 'opted_out' })
  await finished(job)
  t.ok((await events(job)).every(({ attempt }) => attempt === undefined))
  t.strictSame(await standIn.ledger(to), [])
})

t.test('a message that looks like it and is not to be sent ends alike', async (t) => {
  const to = somebody()
  await list({ [nameOf(to)]: forGood })
  const job = await open({ message: { kind: 'account_exists', to } })
  await change(job, { quiet: job.messageId })
  await queue(job)
  t.match((await until(job, 'rejected', 8_000)).at(-1), { reason: 'opted_out' })
})

t.test('what the carrier alone said lapses', async (t) => {
  const [before, after] = [somebody(), somebody()]
  await list({ [nameOf(before)]: String(Date.now() + 60_000), [nameOf(after)]: String(Date.now() - 1) })
  const jobs = [await open({ message: codeFor(before) }), await open({ message: codeFor(after) })] as const
  for (const job of jobs) await queue(job)
  t.ok(await until(jobs[0], 'rejected'))
  t.ok(await until(jobs[1], 'accepted'))
})

t.test('a list that was lost locks nobody out while it is written anew', async (t) => {
  const to = somebody()
  await list({ [nameOf(to)]: forGood })
  await redis.hdel(optOutsKey(prefix), 'complete')
  const job = await open({ message: codeFor(to) })
  await queue(job)
  t.ok(await until(job, 'accepted', 8_000))
})

t.test('a number that the carrier refuses for its STOP is told to the list, by its name there', async (t) => {
  const to = somebody()
  await standIn.order({ to, code: 21610, times: 1 })
  const job = await open({ message: codeFor(to) })
  await queue(job)
  await until(job, 'rejected')
  await finished(job)
  const heard = (await log.getJobs()).map(({ data }) => data as object).filter((event) => 'word' in event)
  t.match(heard, [{ word: 'refused', number: nameOf(to), source: `${job.messageId}-1`, provider: 'twilio' }])
  t.equal(heard.length, 1)
})

t.test('names in the list cannot be made without the key', (t) => {
  const [to, other] = [somebody(), randomUUID()]
  const withKey = (secret: string) =>
    createOptOuts({ redis, prefix, key: { id: 'k', secret: Buffer.from(secret) } }).nameOf(to)
  t.match(nameOf(to), /^[A-Za-z0-9_-]{22}$/)
  t.not(withKey(other), nameOf(to))
  t.equal(withKey(other), withKey(other))
  t.end()
})
