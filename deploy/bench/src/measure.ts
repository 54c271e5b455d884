import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench, Figure } from './bench.js'
import type { Contender } from './contenders/contender.js'
import { cpuBetween, cpuTimes, type Processes } from './cpu.js'
import { type Ask, type Load, openLoop, percentileMs } from './open-loop.js'

interface Options {
  readonly contender: Contender
  readonly perSecond: number
  readonly round: number
  /** Put before the names of the figures, where a row has several of a kind. */
  readonly about?: string
  /** Beside those of the contender. */
  readonly also?: Processes
  /** Of calls to the carrier, how many are stalled for 5 s. */
  readonly stallShare?: number
}

/** Latency from the intended start, and CPU a request, at a steady rate; the carrier takes as long as carriers do. */
export async function measureAtRate(bench: Bench, ask: Ask, options: Options): Promise<readonly Figure[]> {
  const { contender, perSecond, round, about = '', also = {}, stallShare = 0 } = options
  const { carrier, storeProcesses } = bench.place
  await carrier.forget()
  await carrier.slow({ seed: round, stallShare, stallMs: 5_000 })
  const own: Processes = { ...contender.processes(), ...also }
  const before = cpuTimes({ ...own, ...storeProcesses })
  const load = await openLoop(ask, { perSecond, turns: Math.max(1, Math.round(perSecond * bench.scale.seconds)) })
  await sleep(bench.scale.settleMs)
  const used = cpuBetween(before, cpuTimes({ ...own, ...storeProcesses }))
  await carrier.quick()
  const perRequest = (names: readonly string[]) =>
    names.reduce((sum, name) => sum + (used.get(name) ?? 0), 0) / Math.max(1, load.asked)
  const figure = (name: string, unit: Figure['unit'], value: number): Figure => ({
    contender: contender.name,
    name: `${about}${name}`,
    unit,
    values: [value],
  })
  const services = Object.keys(own)
  return [
    ...latencies(load, figure),
    figure('CPU', 'µs', perRequest([...services, ...Object.keys(storeProcesses)])),
    ...[...(services.length > 1 ? services : []), ...Object.keys(storeProcesses)].map((name) =>
      figure(`CPU of ${name}`, 'µs', perRequest([name])),
    ),
  ]
}

function latencies(
  load: Load,
  figure: (name: string, unit: Figure['unit'], value: number) => Figure,
): readonly Figure[] {
  return [
    figure('p50', 'ms', percentileMs(load, 50)),
    figure('p99', 'ms', percentileMs(load, 99)),
    ...(load.failed > 0
      ? [figure(`failed (${(load.trouble ?? '').slice(0, 80)})`, '%', (100 * load.failed) / load.asked)]
      : []),
    // Where the generator itself was late, the row is about the machine.
    ...(load.latestStartMs > 50 ? [figure('generator late by', 'ms', load.latestStartMs)] : []),
  ]
}

/** How many turns a measurement at this rate has. */
export const turnsAt = ({ scale }: Bench, perSecond: number): number =>
  Math.max(1, Math.round(perSecond * scale.seconds))
