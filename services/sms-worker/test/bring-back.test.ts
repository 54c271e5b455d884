import { codeFor, createSurroundings, randomPrefix, workerEnv } from './harness.js'
import { smsJobId } from '@latchkey/contracts/queues/sms'
import t from 'tap'
import { createBringBack } from '../src/jobs/bring-back.js'
import { somebody } from './stand-in.js'

t.test('a job that waits comes back to the head of its class; one that does not is left alone', async (t) => {
  const { open, queue, sms } = createSurroundings(t, workerEnv(), randomPrefix())
  const bringBack = createBringBack(sms)
  const job = async (purpose: 'sign_in' | 'sign_up', delay = 0) => {
    const opened = await open({ message: codeFor(somebody()), purpose })
    await queue(opened, { delay })
    return smsJobId(opened.messageId)
  }
  const waits = await job('sign_up', 60_000)
  const [signUp, signIn] = [await job('sign_up'), await job('sign_in')]
  const found: boolean[] = []
  for (const id of [waits, waits, signUp, 'm-nobody']) found.push(await bringBack(id))
  t.strictSame(found, [true, true, true, false])
  const order = (await sms.getPrioritized()).map(({ id }) => id)
  t.strictSame(order, [signIn, waits, signUp])
})
