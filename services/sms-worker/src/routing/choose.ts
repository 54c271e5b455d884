import type { FenceView } from './attempt-fence.js'
import type { Lane } from './lane.js'
import type { Route, Step } from './routes.js'

export interface Choice {
  readonly route: Route
  /** The lanes by their names, as this message may take them. */
  readonly lanes: ReadonlyMap<string, Lane>
  readonly view: FenceView
  /** The lane of the send that this message repeats. */
  readonly avoid?: string
  readonly random: () => number
  /** Instead of the weight of the route. */
  readonly weightOf: (lane: string) => number | undefined
}

/**
 * The lanes of a route in the order in which this message tries them. Those where it was tried already come later, then the lane of
 * the send that it repeats; one that is coming back waits behind the others as often as its share says; ill ones are a last resort.
 */
export function chooseLanes({ route, lanes, view, avoid, random, weightOf }: Choice): Lane[] {
  const tries = (lane: Lane) => view.attempts.filter(({ provider }) => provider === lane.provider.name).length
  const ranked = route.steps
    .flatMap((step) => shuffled(step, random, weightOf))
    .flatMap((name) => lanes.get(name) ?? [])
    .map((lane) => ({
      lane,
      rank: [
        lane.standing() === 'ill' ? 1 : 0,
        tries(lane),
        lane.name === avoid ? 1 : 0,
        random() < lane.share() ? 0 : 1,
      ] as const,
    }))
  // Sorting is stable: what ranks alike stays in the order of the route.
  return ranked
    .toSorted((a, b) => a.rank.map((each, at) => each - (b.rank[at] ?? 0)).find((each) => each !== 0) ?? 0)
    .map(({ lane }) => lane)
}

/** The names of a step, each as often first as its weight says; one without weight comes behind the others. */
function shuffled(step: Step, random: () => number, weightOf: Choice['weightOf']): string[] {
  const rest = step.map(({ lane, weight }) => ({ lane, weight: weightOf(lane) ?? weight }))
  const order: string[] = []
  while (rest.length > 0) {
    let point = random() * rest.reduce((sum, { weight }) => sum + weight, 0)
    const at = rest.findIndex(({ weight }) => (point -= weight) < 0)
    order.push(...rest.splice(Math.max(0, at), 1).map(({ lane }) => lane))
  }
  return order
}
