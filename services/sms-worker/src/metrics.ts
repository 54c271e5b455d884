import { attemptOutcomes } from '@latchkey/contracts/delivery'
import type { Logger } from 'pino'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Why } from './routing/lane-health.js'
import type { ObserveOutcome } from './routing/lane.js'
import type { LookAtSwitches } from './switchboard/switchboard.js'

interface QueueFigures {
  readonly oldestWaitingMs: () => Promise<number>
  readonly oldestRetryingMs: () => Promise<number>
  readonly oldestByClassMs: () => Promise<readonly (readonly [string, number])[]>
  readonly oldestEventMs: () => Promise<number>
  readonly counts: () => Promise<Readonly<Record<string, number>>>
  readonly eventCounts: () => Promise<Readonly<Record<string, number>>>
}

export interface WorkerMetrics {
  readonly observeOutcome: ObserveOutcome
  readonly observeAccept: (queuedAt: Date) => void
  readonly observeEnd: (state: string) => void
  /** A lane is there: its figures begin with 0, so that an alarm on an increase sees the first. */
  readonly openLane: (lane: string) => void
  readonly laneOut: (lane: string, why: Why, out: boolean) => void
  readonly laneWaiting: (lane: string, count: number) => void
  readonly roomWaiting: (lanes: string, count: number) => void
}

/** The figures by which the worker is watched and scaled: the age of the oldest code job, not the depth of the queue. */
export function createWorkerMetrics(
  registry: Registry,
  queue: QueueFigures,
  lookAtSwitches: LookAtSwitches,
): WorkerMetrics {
  const registers = [registry]
  tellQueues(registers, queue)
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
  const inRoom = new Gauge({
    name: 'latchkey_waiting_room',
    help: 'Messages of all workers that wait until a lane of their route can take them',
    labelNames: ['lanes'],
    registers,
  })
  const accepts = new Histogram({
    name: 'latchkey_queue_to_accept_seconds',
    help: 'From the message being queued to a provider taking it',
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300],
    registers,
  })
  const ended = new Counter({
    name: 'latchkey_messages_ended_total',
    help: 'Messages that the worker is done with, by how they end (`unknown`, `accepted`: a receipt may say more); those for nobody are among them',
    labelNames: ['state'],
    registers,
  })
  for (const state of endings) ended.inc({ state }, 0)
  return {
    observeOutcome: (provider, outcome) => outcomes.inc({ provider, outcome }),
    observeEnd: (state) => ended.inc({ state }),
    openLane(provider) {
      for (const outcome of attemptOutcomes) outcomes.inc({ provider, outcome }, 0)
    },
    laneOut: (lane, why, isOut) => out.set({ lane, why }, isOut ? 1 : 0),
    laneWaiting: (lane, count) => waiting.set({ lane }, count),
    roomWaiting: (lanes, count) => inRoom.set({ lanes }, count),
    observeAccept: (queuedAt) => accepts.observe(Math.max(0, Date.now() - queuedAt.getTime()) / 1_000),
  }
}

const endings = ['accepted', 'unknown', 'rejected', 'failed', 'expired_unsent', 'superseded_unsent']

/** Both queues are asked with every scrape; where they cannot be, nothing is told. */
function tellQueues(registers: Registry[], queue: QueueFigures): void {
  const age = (about: { name: string; help: string }, ask: () => Promise<number>) =>
    void new Gauge({
      ...about,
      registers,
      async collect() {
        const ms = await ask().catch(() => undefined)
        // Not reset(): that would say 0, and a queue nobody can see would look well.
        if (ms === undefined) this.remove()
        else this.set(ms / 1_000)
      },
    })
  const jobs = (about: { name: string; help: string; labelNames: 'state'[] }, ask: QueueFigures['counts']) =>
    void new Gauge({
      ...about,
      registers,
      async collect() {
        this.reset()
        const counts = await ask().catch(() => ({}))
        for (const [state, count] of Object.entries(counts)) this.set({ state }, count)
      },
    })
  age(
    {
      name: 'latchkey_oldest_code_job_seconds',
      help: 'Age of the oldest code job that waits for a worker; 0 where none does, absent where the queue cannot be asked',
    },
    queue.oldestWaitingMs,
  )
  age(
    {
      name: 'latchkey_oldest_retrying_code_job_seconds',
      help: 'Age of the oldest code job that waits for another try; apart, since more workers do not help a carrier that is ill',
    },
    queue.oldestRetryingMs,
  )
  age(
    {
      name: 'latchkey_oldest_event_seconds',
      help: 'Age of the oldest delivery event that waits for users; those that wait for Postgres come again, and are not among them',
    },
    queue.oldestEventMs,
  )
  jobs(
    {
      name: 'latchkey_code_jobs',
      help: 'Code jobs by state of the queue; `failed` are dead letters',
      labelNames: ['state'],
    },
    queue.counts,
  )
  jobs(
    {
      name: 'latchkey_event_jobs',
      help: 'Delivery events by state of their queue; `failed` are dead letters',
      labelNames: ['state'],
    },
    queue.eventCounts,
  )
  void new Gauge({
    name: 'latchkey_oldest_job_seconds',
    help: 'Age of the oldest code job that waits, by class: `late` are those with too little life left while the queue is late',
    labelNames: ['class'],
    registers,
    async collect() {
      this.reset()
      const ages = await queue.oldestByClassMs().catch(() => [])
      for (const [name, ms] of ages) this.set({ class: name }, ms / 1_000)
    },
  })
}

/** What operators hear of a lane: its figure from the start, and a line when it goes and comes. */
export function tellLane(
  lane: string,
  { laneOut, openLane }: WorkerMetrics,
  log: Logger,
): (why: Why, out: boolean) => void {
  openLane(lane)
  for (const why of ['ill', 'barred'] as const) laneOut(lane, why, false)
  return (why, out) => {
    laneOut(lane, why, out)
    if (!out) log.info({ lane, why }, 'a lane is back')
    else if (why === 'ill') log.warn({ lane, why }, 'most calls of a lane fail: messages are kept away from it')
    else log.error({ lane, why }, 'a carrier does not know us: its lane is out until its credentials are mended')
  }
}
