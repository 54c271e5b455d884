import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { checkInvariants } from './invariants.js'
import { getIn, type Guest, signUp } from './people.js'
import { codeIn, production, type Production } from './production.js'
import { ends, figure, killWorker, logOf, lookInside, redisDoor, replaceWorker, standby } from './workers.js'

// Mostly they wait for locks to run out.
t.jobs = 4

/** Longer than a killed worker's lock and the two looks after it take. */
const takenOverMs = 15_000
/** A carrier whose list never knows anything. */
const blind = { fault: 'lag', on: 'list' } as const

/** Each gets in with his one code, after at most so many SMS. */
async function allIn(t: Test, on: Production, guests: readonly Guest[], accepts: readonly number[]): Promise<void> {
  const ledger = await on.ledger()
  for (const [at, guest] of guests.entries()) {
    const own = ledger.filter(({ to }) => to === guest.phone)
    t.equal(own.length, accepts[at], `${accepts[at]} accepts of message ${at + 1}`)
    t.equal(new Set(own.map(codeIn)).size, 1, 'one code')
    t.equal(await getIn(on, guest), 201)
  }
  await checkInvariants(t, on, guests)
}

/** Waits until all are `accepted`, and says how long after `since` the last one was. */
async function allAccepted(t: Test, on: Production, guests: readonly Guest[], since: number): Promise<void> {
  for (const guest of guests) await ends(on, guest, ['accepted'])
  const tookMs = Date.now() - since
  t.ok(tookMs < takenOverMs, `all accepted ${tookMs} ms after the death of their worker`)
  t.comment(`all accepted ${tookMs} ms after the death of their worker`)
}

t.test(
  'a worker killed while the carrier has its requests: another takes over, and asks before it sends',
  async (t) => {
    const on = await production(t)
    const { fenced, reached } = lookInside(t, on)
    const other = await standby(t, on)
    const notTaken = { fault: 'hang', times: 1 }
    const taken = { fault: 'slow', ms: 10_000, times: 1 }
    const guests = [
      await signUp(on, [notTaken]),
      await signUp(on, [notTaken, blind]),
      await signUp(on, [taken]),
      await signUp(on, [taken, blind]),
    ]
    for (const guest of guests) await Promise.all([fenced(guest), reached(guest)])
    t.equal((await on.ledger()).length, 2)
    await killWorker(on)
    const killedAt = Date.now()
    await other.letIn()
    await allAccepted(t, on, guests, killedAt)
    // Only where the carrier took it and denies that, it goes twice.
    await allIn(t, on, guests, [1, 1, 1, 2])
  },
)

t.test('a worker killed with an answer that it could not write down: another finds it', async (t) => {
  const on = await production(t)
  const { outcome } = lookInside(t, on)
  const door = await redisDoor(t, on)
  await replaceWorker(on, { QUEUE_REDIS_URL: door.url })
  const other = await standby(t, on)
  const slow = { fault: 'slow', ms: 2_000, times: 1 }
  const guests = [await signUp(on, [slow]), await signUp(on, [slow, blind])]
  await eventually('both accepts', async () => (await on.ledger()).length === 2)
  door.freeze()
  const heard = () => figure(on.stack.opsUrls['sms-worker'], 'latchkey_sms_attempts_total', 'outcome="accepted"')
  await eventually('both answers', async () => (await heard()) === 2)
  for (const guest of guests) t.equal(await outcome(guest), null, 'nobody wrote it down')
  await killWorker(on)
  const killedAt = Date.now()
  await other.letIn()
  await allAccepted(t, on, guests, killedAt)
  await allIn(t, on, guests, [1, 2])
})

t.test('a worker stopped for longer than its lock comes back, sends nothing again and fails no job', async (t) => {
  const on = await production(t)
  const { fenced, reached, failedJobs, queue } = lookInside(t, on)
  const door = await redisDoor(t, on)
  await replaceWorker(on, { REDIS_URL: door.url })
  const other = await standby(t, on)
  const guests = [
    await signUp(on, [{ fault: 'hang', ms: 30_000, times: 1 }]),
    await signUp(on, [{ fault: 'slow', ms: 10_000, times: 1 }]),
    await signUp(on, [{ fault: 'slow', ms: 10_000, times: 1 }, blind]),
  ]
  for (const guest of guests) await reached(guest)
  // Its challenges answer late, so that it can be met between its fence and its call.
  door.lag(500)
  const last = await signUp(on)
  await fenced(last)
  const { pid } = on.stack.processes['sms-worker']
  process.kill(pid, 'SIGSTOP')
  const stoppedAt = Date.now()
  t.notOk(
    (await on.ledger()).some(({ to }) => to === last.phone),
    'it had not called yet',
  )
  await other.letIn()
  const all = [...guests, last]
  await allAccepted(t, on, all, stoppedAt)
  const before = await on.ledger()
  const logs = await Promise.all(all.map((guest) => logOf(on, guest)))

  process.kill(pid, 'SIGCONT')
  door.lag(0)
  await eventually('it to be ready again', async () => (await on.health('sms-worker')) === 200)
  // Its calls are over after 5 s at the latest, and then it wants to write down what they came to.
  await sleep(6_000)
  t.same(await on.ledger(), before, 'nothing was sent again')
  const known = logs.map(([message], at) =>
    at < guests.length ? [message] : [{ ...message, attempts: ['not_sent', 'accepted'] }],
  )
  t.same(logs.at(-1)?.[0]?.attempts, ['unknown', 'accepted'])
  t.same(
    await Promise.all(all.map((guest) => logOf(on, guest))),
    known,
    'the log says what it said, and of the call that was held up that it was never made',
  )
  t.equal(await failedJobs(), 0)
  t.same(await queue.getJobCounts('active', 'delayed', 'prioritized'), { active: 0, delayed: 0, prioritized: 0 })
  await allIn(t, on, all, [1, 1, 2, 1])
})

t.test('two lost calls of one message are all it gets: it stays unknown, and a resend brings the code', async (t) => {
  const on = await production(t)
  const { reached } = lookInside(t, on)
  const died = await signUp(on, [{ fault: 'hang', times: 2 }])
  await reached(died, 1)
  await killWorker(on)
  await on.stack.restart('sms-worker')
  // One call that hangs until its time is out, then one whose worker dies.
  const hung = await signUp(on, [{ fault: 'hang', times: 2 }])
  await Promise.all([reached(died), reached(hung)])
  await killWorker(on)
  await on.stack.restart('sms-worker')
  const guests = [died, hung]
  for (const guest of guests) await ends(on, guest, ['unknown'])
  await eventually('the second calls to be given up', async () => {
    const messages = await Promise.all(guests.map((guest) => logOf(on, guest)))
    return messages.every(([message]) => message?.state === 'unknown')
  })
  t.same(await on.ledger(), [], 'the carrier took neither')
  for (const guest of guests) {
    await eventually(
      'the cooldown',
      async () => (await on.call('POST', `/v1/challenges/${guest.challenge.id}/resend`)).status === 202,
      40_000,
    )
    await on.codeFor(guest.phone)
    await eventually('the log to hear of it', async () => (await logOf(on, guest)).length === 2)
    t.match(await logOf(on, guest), [{ state: 'unknown' }, { id: String }])
  }
  await allIn(t, on, guests, [1, 1])
})
