import { setTimeout as sleep } from 'node:timers/promises'
import { startBetterAuth } from './contenders/better-auth.js'
import type { Contender } from './contenders/contender.js'
import { startDocuments } from './contenders/documents.js'
import { type Ours, startOurs } from './contenders/ours.js'
import { accounts } from './people.js'
import { type Place, openPlace } from './place.js'
import type { Scale } from './scale.js'

/** Who is measured. The name says how the carrier is called and what keeps sessions. */
export const contenderNames = [
  'Latchkey',
  "documents' shape",
  'better-auth, awaited',
  'better-auth',
  'better-auth, awaited, Redis',
  'better-auth, Redis',
  'better-auth, Redis, cookie cache',
] as const
export type ContenderName = (typeof contenderNames)[number]

/** What every row works with. */
export interface Bench {
  readonly place: Place
  readonly scale: Scale
  /** One of the contenders, started when it is first asked for. */
  contender(name: ContenderName): Promise<Contender>
  ours(): Promise<Ours>
  /** Shows what goes on. */
  say(line: string): void
  close(): Promise<void>
}

/** One figure of one contender, a value a round. */
export interface Figure {
  readonly contender: string
  readonly name: string
  readonly unit: 'ms' | 'µs' | '/s' | 'bytes' | '%' | ''
  readonly values: readonly number[]
}

export interface Row {
  /** As `--only` names it. */
  readonly name: string
  /** One sentence: what is done and what is counted. */
  readonly what: string
  run(bench: Bench): Promise<readonly Figure[]>
}

/** Opens the place; contenders come as rows need them and stay until it is closed. */
export async function openBench(scale: Scale, say: (line: string) => void): Promise<Bench> {
  const place = await openPlace()
  const started = new Map<string, Promise<Contender>>()
  let own: Promise<Ours> | undefined
  const ours = () => (own ??= startOurs('Latchkey', place).then(warm))

  /** Code that runs for the first times is compiled meanwhile: nobody is measured at that. */
  async function warm<C extends Contender>(contender: C): Promise<C> {
    for (const signed of await accounts(bench, contender, { count: scale.warmUps })) await contender.check(signed)
    return contender
  }

  function start(name: ContenderName): Promise<Contender> {
    say(`  starting ${name}`)
    switch (name) {
      case 'Latchkey':
        return ours()
      case "documents' shape":
        return startDocuments(name, place).then(warm)
      case 'better-auth, awaited':
        return startBetterAuth(name, place, { awaited: true }).then(warm)
      case 'better-auth':
        return startBetterAuth(name, place).then(warm)
      case 'better-auth, awaited, Redis':
        return startBetterAuth(name, place, { awaited: true, redis: true }).then(warm)
      case 'better-auth, Redis':
        return startBetterAuth(name, place, { redis: true }).then(warm)
      case 'better-auth, Redis, cookie cache':
        return startBetterAuth(name, place, { redis: true, cookieCache: true }).then(warm)
    }
  }
  const bench: Bench = {
    place,
    scale,
    ours,
    say,
    contender(name) {
      const found = started.get(name) ?? start(name)
      started.set(name, found)
      return found
    },
    async close() {
      const all = await Promise.allSettled([...started.values(), ...(own === undefined ? [] : [own])])
      const contenders = new Set(all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])))
      for (const contender of contenders) await contender.stop()
      await place.close()
    },
  }
  return bench
}

/** Each contender once a round, in turn (A B C A B C …), so that what the machine does meanwhile meets all of them. */
export async function interleave(
  bench: Bench,
  names: readonly ContenderName[],
  measure: (contender: Contender, round: number) => Promise<readonly Figure[]>,
): Promise<readonly Figure[]> {
  const contenders: Contender[] = []
  const wanted = names.filter((name) => bench.scale.contenders?.includes(name) ?? true)
  for (const name of wanted) contenders.push(await bench.contender(name))
  const all: Figure[] = []
  for (let round = 1; round <= bench.scale.rounds; round += 1)
    for (const contender of contenders) {
      const figures = await measure(contender, round)
      all.push(...figures)
      bench.say(`  round ${round} · ${contender.name}: ${figures.map(brief).join(' · ')}`)
      await sleep(200)
    }
  return gather(all)
}

const brief = ({ name, unit, values }: Figure) => `${name} ${(values[0] ?? Number.NaN).toFixed(1)} ${unit}`

/** Figures of one name and contender as one, a value a round. */
export function gather(figures: readonly Figure[]): readonly Figure[] {
  const gathered = new Map<string, Figure>()
  for (const figure of figures) {
    const key = `${figure.contender}\n${figure.name}`
    gathered.set(key, { ...figure, values: [...(gathered.get(key)?.values ?? []), ...figure.values] })
  }
  return [...gathered.values()]
}
