import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Processes by what they are called in the table; a server with children counts whole. */
export type Processes = Readonly<Record<string, number>>

/** CPU time so far in microseconds: by what a process is called, and there by pid. */
type CpuTimes = ReadonlyMap<string, ReadonlyMap<number, number>>

const clockTicks = 100

/** What processes, and the children of each, have had of the CPU so far. Linux only: elsewhere nothing is known, and all is NaN. */
export function cpuTimes(processes: Processes): CpuTimes {
  const children = childrenOf()
  return new Map(
    Object.entries(processes).map(([name, pid]) => [
      name,
      new Map([pid, ...(children.get(pid) ?? [])].map((one) => [one, cpuUs(one)])),
    ]),
  )
}

/** What was used between two looks, by what it is called. A child that ended meanwhile takes what it used with it. */
export function cpuBetween(before: CpuTimes, after: CpuTimes): ReadonlyMap<string, number> {
  const used = (name: string, times: ReadonlyMap<number, number>) =>
    [...times].reduce((sum, [pid, us]) => sum + us - (before.get(name)?.get(pid) ?? 0), 0)
  return new Map([...after].map(([name, times]) => [name, used(name, times)]))
}

/** The scheduler counts nanoseconds, thread by thread; where it does not tell, the clock's ticks of 10 ms must do. */
function cpuUs(pid: number): number {
  const tasks = `/proc/${pid}/task`
  if (!existsSync(tasks)) return existsSync('/proc/self/stat') ? 0 : Number.NaN
  try {
    return readdirSync(tasks).reduce((sum, task) => sum + threadUs(`${tasks}/${task}`), 0)
  } catch {
    return 0 // it ended meanwhile
  }
}

function threadUs(path: string): number {
  try {
    const [ns = '0'] = readFileSync(`${path}/schedstat`, 'utf8').split(' ')
    return Number(ns) / 1_000
  } catch {
    const [, , , , , , , , , , , user = '0', system = '0'] = statFields(`${path}/stat`)
    return ((Number(user) + Number(system)) / clockTicks) * 1_000_000
  }
}

/** The fields after the name, which may hold anything: state, parent, … */
function statFields(path: string): string[] {
  const stat = readFileSync(path, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function childrenOf(): Map<number, number[]> {
  const children = new Map<number, number[]>()
  if (!existsSync('/proc/self/stat')) return children
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const parent = Number(statFields(`/proc/${name}/stat`)[1])
      children.set(parent, [...(children.get(parent) ?? []), Number(name)])
    } catch {
      // It ended while we looked.
    }
  }
  return children
}
