import type { Logger } from 'pino'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Why } from './routing/lane-health.js'
import type { ObserveOutcome } from './routing/lane.js'
import type { LookAtSwitches } from './switchboard/switchboard.js'

interface QueueFigures {
  readonly oldestWaitingMs: () => Promise<number>
  readonly oldestRetryingMs: () => Promise<number>
  readonly counts: () => Promise<Readonly<Record<string, number>>>
}

export interface WorkerMetrics {
  readonly observeOutcome: ObserveOutcome
  readonly observeAccept: (queuedAt: Date) => void
  readonly laneOut: (lane: string, why: Why, out: boolean) => void
  readonly laneWaiting: (lane: string, count: number) => void
}

/** The figures by which the worker is watched and scaled: the age of the oldest code job, not the depth of the queue. */
export function createWorkerMetrics(
  registry: Registry,
  queue: QueueFigures,
  lookAtSwitches: LookAtSwitches,
): WorkerMetrics {
  const registers = [registry]
  const age = (name: string, help: string, ask: () => Promise<number>) =>
    void new Gauge({
      name,
      help: `${help}; 0 where none does, absent where the queue cannot be asked`,
      registers,
      async collect() {
        const ms = await ask().catch(() => undefined)
        // Not reset(): that would say 0, and a queue nobody can see would look well.
        if (ms === undefined) this.remove()
        else this.set(ms / 1_000)
      },
    })
  age('latchkey_oldest_code_job_seconds', 'Age of the oldest code job that waits for a worker', queue.oldestWaitingMs)
  age(
    'latchkey_oldest_retrying_code_job_seconds',
    'Age of the oldest code job that waits for another try (apart, since more workers do not help a carrier that is ill)',
    queue.oldestRetryingMs,
  )
  void new Gauge({
    name: 'latchkey_code_jobs',
    help: 'Code jobs by state of the queue',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset()
      const counts = await queue.counts().catch(() => ({}))
      for (const [state, count] of Object.entries(counts)) this.set({ state }, count)
    },
  })
  void new Gauge({
    name: 'latchkey_switched',
    help: '1 for each switch of an operator that this process obeys',
    labelNames: ['does', 'target', 'name'],
    registers,
    async collect() {
      this.reset()
      const { switches } = await lookAtSwitches()
      // The guard is the gateway's.
      for (const { does, target, name } of switches.filter((each) => each.target !== 'guard'))
        this.set({ does, target, name }, 1)
    },
  })
  const outcomes = new Counter({
    name: 'latchkey_sms_attempts_total',
    help: 'Calls to providers by outcome',
    labelNames: ['provider', 'outcome'],
    registers,
  })
  const out = new Gauge({
    name: 'latchkey_lane_out',
    help: '1 while this worker keeps messages away from a lane: `ill`, most calls fail; `barred`, the carrier does not know us',
    labelNames: ['lane', 'why'],
    registers,
  })
  const waiting = new Gauge({
    name: 'latchkey_lane_waiting',
    help: 'Messages in this worker that wait for their turn at a lane with a pace',
    labelNames: ['lane'],
    registers,
  })
  const accepts = new Histogram({
    name: 'latchkey_queue_to_accept_seconds',
    help: 'From the message being queued to a provider taking it',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300],
    registers,
  })
  return {
    observeOutcome: (provider, outcome) => outcomes.inc({ provider, outcome }),
    laneOut: (lane, why, isOut) => out.set({ lane, why }, isOut ? 1 : 0),
    laneWaiting: (lane, count) => waiting.set({ lane }, count),
    observeAccept: (queuedAt) => accepts.observe(Math.max(0, Date.now() - queuedAt.getTime()) / 1_000),
  }
}

/** What operators hear of a lane: its figure from the start, and a line when it goes and comes. */
export function tellLane(lane: string, { laneOut }: WorkerMetrics, log: Logger): (why: Why, out: boolean) => void {
  for (const why of ['ill', 'barred'] as const) laneOut(lane, why, false)
  return (why, out) => {
    laneOut(lane, why, out)
    if (!out) log.info({ lane, why }, 'a lane is back')
    else if (why === 'ill') log.warn({ lane, why }, 'most calls of a lane fail: messages are kept away from it')
    else log.error({ lane, why }, 'a carrier does not know us: its lane is out until its credentials are mended')
  }
}
