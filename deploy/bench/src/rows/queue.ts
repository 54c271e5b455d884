import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type Figure, gather, type Row } from '../bench.js'
import { cpuBetween, cpuTimes } from '../cpu.js'
import { fillQueue, type QueueWatch, watchQueue } from '../jobs.js'
import { turnsAt } from '../measure.js'
import { openLoop } from '../open-loop.js'
import { accounts } from '../people.js'
import { percentiles } from './carrier.js'

const contender = 'Latchkey'

/** What a worker makes of a backlog. The carrier answers at once: its time is not the worker's. */
export const drain: Row = {
  name: 'drain',
  what: 'A backlog of jobs with a live code each, sent through the SDK by one worker, then as many by two.',
  async run(bench) {
    const one = await drained(bench, 1)
    const two = await drained(bench, 2)
    return gather([...one, ...two])
  },
}

async function drained(bench: Bench, workers: 1 | 2): Promise<readonly Figure[]> {
  const ours = await bench.ours()
  const { stack } = ours
  const { jobs: count } = bench.scale
  await bench.place.carrier.quick()
  await bench.place.carrier.forget()
  await stack.processes['sms-worker'].stop('SIGTERM', 10_000)
  bench.say(`  preparing ${count} jobs`)
  await fillQueue(ours, { count, priority: 3 })
  const queue = watchQueue(stack.redisUrl)
  const [, second] = await Promise.all([
    stack.restart('sms-worker'),
    workers === 2 ? stack.another('sms-worker') : undefined,
  ])
  const pids = {
    worker: stack.processes['sms-worker'].pid,
    ...(second !== undefined && { second: second.pid }),
  }
  const all = { ...pids, ...bench.place.storeProcesses }
  const before = cpuTimes(all)
  const waitingBefore = await queue.waiting()
  const began = performance.now()
  await untilEmpty(bench, queue)
  const seconds = (performance.now() - began) / 1_000
  const used = cpuBetween(before, cpuTimes(all))
  const perJob = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + (used.get(name) ?? 0), 0) / waitingBefore
  await queue.forgetFinished()
  await queue.close()
  await second?.stop('SIGTERM', 10_000)
  const about = workers === 1 ? 'one worker: ' : 'two workers: '
  return [
    { contender, name: `${about}CPU a job`, unit: 'µs', values: [perJob(Object.keys(pids))] },
    { contender, name: `${about}CPU of Redis a job`, unit: 'µs', values: [perJob(['Redis'])] },
    { contender, name: `${about}jobs`, unit: '/s', values: [waitingBefore / seconds] },
  ]
}

async function untilEmpty(bench: Bench, queue: QueueWatch): Promise<void> {
  let saidAt = performance.now()
  for (;;) {
    const left = await queue.waiting()
    if (left === 0) return
    if (performance.now() - saidAt > 10_000) {
      bench.say(`  ${left} jobs are left`)
      saidAt = performance.now()
    }
    await sleep(100)
  }
}

/** The class that campaigns will have; what waits in it here are sign-ups, which cost a worker the same. */
const campaignClass = 5

/** Somebody logs in while a campaign is on its way. */
export const campaign: Row = {
  name: 'campaign',
  what: "A code to log in with, from its request to the carrier's word, while jobs of the class of campaigns wait, and while none do. The carrier takes 250 ms.",
  async run(bench) {
    const figures: Figure[] = []
    const ours = await bench.ours()
    const perSecond = Math.min(20, bench.scale.perSecond)
    const count = turnsAt(bench, perSecond)
    const people = await accounts(bench, ours, { count: 2 * count })
    const { carrier } = bench.place
    const queue = watchQueue(ours.stack.redisUrl)
    for (const [half, jobs] of [0, bench.scale.campaignJobs].entries()) {
      if (jobs > 0) bench.say(`  preparing ${jobs} jobs`)
      // As quick as most answers are, each time: how long a carrier can take is not what is asked here.
      await carrier.slow({ seed: 1, p99Ms: 250 })
      await carrier.forget()
      await fillQueue(ours, { count: jobs, priority: campaignClass })
      const due = new Map<string, number>()
      const began = Date.now()
      await openLoop(
        async (turn) => {
          const phone = people[half * count + turn]?.phone ?? ''
          due.set(phone, began + (turn * 1_000) / perSecond)
          await ours.askCode(phone)
        },
        { perSecond, turns: count },
      )
      const left = await queue.waiting()
      // A ledger of tens of thousands is long to read: once is enough where all are in it.
      await sleep(2 * bench.scale.settleMs)
      await carrier.codes([...due.keys()])
      const waits = (await carrier.ledger()).flatMap(({ to, at }) => {
        const dueAt = due.get(to)
        return dueAt === undefined ? [] : [Date.parse(at) - dueAt]
      })
      figures.push(...percentiles(contender, waits, jobs === 0 ? 'nothing waits: ' : 'campaign waits: '))
      if (jobs > 0) figures.push({ contender, name: 'still waiting after it', unit: '', values: [left] })
    }
    await queue.empty()
    await queue.close()
    await carrier.quick()
    return gather(figures)
  },
}
