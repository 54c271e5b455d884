import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { createShare } from '../src/jobs/share.js'
import { codeFor, createSurroundings, createWorker, randomPrefix, twilioEnv, workerEnv } from './harness.js'
import { somebody, startStandIn } from './stand-in.js'

t.test('of a share that is full the first to wait is the first to get in', async (t) => {
  const { enter } = createShare(1, 10_000)
  const leave = await enter()
  const order: number[] = []
  const [second, third] = [1, 2].map(async (n) => {
    const way = await enter()
    order.push(n)
    way?.()
  })
  leave?.()
  await Promise.all([second, third])
  t.strictSame(order, [1, 2])
  t.type(await enter(), 'function', 'and it is free again')
})

t.test('who waits in vain goes, and takes no slot later', async (t) => {
  const { enter } = createShare(1, 20)
  const leave = await enter()
  t.equal(await enter(), undefined)
  leave?.()
  t.type(await enter(), 'function')
})

t.test('sign-ups at a carrier that hangs do not hold up a sign-in', async (t) => {
  const standIn = await startStandIn(t)
  const env = { ...workerEnv(), ...twilioEnv(standIn), WORKER_CONCURRENCY: '10' }
  const prefix = randomPrefix()
  const { open, queue, until, sms } = createSurroundings(t, env, prefix)
  for (let n = 0; n < 40; n += 1) {
    const to = somebody()
    await standIn.order({ to, fault: 'hang' })
    await queue(await open({ message: codeFor(to), purpose: 'sign_up' }))
  }
  const { consumer } = createWorker(t, env, prefix, { carrierTimeoutMs: 4_000 })
  consumer.start()
  const job = await open({ message: codeFor(somebody()) })
  // Some hang, the rest look for room by turns.
  await eventually('every slot to be taken', async () => (await sms.getJobCounts('active'))['active'] === 10)
  const since = Date.now()
  await queue(job)
  await until(job, 'accepted')
  t.ok(Date.now() - since < 1_500, `${Date.now() - since} ms`)
})
