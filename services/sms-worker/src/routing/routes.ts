import { rangeDigits } from '@latchkey/contracts/phone'

/** Lanes that share what comes to this place of the order, by weight. */
export type Step = readonly { readonly lane: string; readonly weight: number }[]

/** Which lanes take whose messages, in order: of one step the others come before the next step. */
export interface Route {
  /** `*`, a country like `IN`, or the beginning of a number like `+9198`. */
  readonly whose: string
  readonly steps: readonly Step[]
}

const whosePattern = new RegExp(`^(\\*|[A-Z]{2}|\\+[1-9]\\d{0,${rangeDigits - 1}})$`)
const sharePattern = /^([a-z]+)(?:\s+([1-9]\d{0,2}))?$/

/**
 * Reads `IN: messagecentral > twilio; US CA: twilio 70, messagecentral 30; +44: twilio; *: twilio > messagecentral`. Says every
 * problem by the number of its rule, and quotes nothing.
 */
export function parseRoutes(
  text: string | undefined,
  lanes: readonly string[],
): { routes: Route[]; problems: string[] } {
  const routes: Route[] = []
  const problems: string[] = []
  if (text === undefined) return { routes, problems }
  for (const [at, rule] of text.split(';').entries()) {
    const say = (problem: string) => problems.push(`SMS_ROUTES: rule ${at + 1} ${problem}`)
    const [left = '', right = '', ...more] = rule.split(':')
    const whose = left.trim().split(/\s+/)
    if (more.length > 0 || !whose.every((each) => whosePattern.test(each)))
      say(
        `must begin with *, countries like IN, or beginnings of numbers like +91 (${rangeDigits} digits at most), then a colon`,
      )
    const steps = right.split('>').map((step) => readStep(step))
    const named = steps.flatMap((step) => step ?? []).map(({ lane }) => lane)
    if (steps.includes(undefined))
      say('must go on like `twilio 70, messagecentral 30 > inbox`, weights 1 to 999 for all of a step or none')
    if (named.some((lane) => !lanes.includes(lane))) say('names a lane that is not among SMS_PROVIDERS')
    if (new Set(named).size < named.length) say('names a lane twice')
    for (const each of whose) {
      if (routes.some((route) => route.whose === each)) say('is about somebody whom another rule is about')
      routes.push({ whose: each, steps: steps.flatMap((step) => (step === undefined ? [] : [step])) })
    }
  }
  return { routes, problems }
}

function readStep(text: string): Step | undefined {
  const shares = text.split(',').map((share) => sharePattern.exec(share.trim()))
  const weighed = shares.filter((share) => share?.[2] !== undefined).length
  if (weighed !== 0 && weighed !== shares.length) return undefined
  const step = shares.flatMap((share) =>
    share === null ? [] : [{ lane: share[1] ?? '', weight: Number(share[2] ?? 1) }],
  )
  return step.length === shares.length ? step : undefined
}

/** Whom a message is for, as far as routes care. */
export interface Destination {
  readonly country: string
  /** The beginning of the number (`rangeOf`), where there is one. */
  readonly range?: string
  /** Of a message for nobody without a number: always the same of one name that was asked for. */
  readonly lot?: number
}

/**
 * The rule with the longest beginning of the number; else its country's; else that for all; else every lane in its order. By lot, any of
 * them: where carriers differ in what they report, who has no number must not be told by the route that all such take.
 */
export function routeFor(
  routes: readonly Route[],
  lanes: readonly string[],
  { country, range = '', lot }: Destination,
): Route {
  const every: Route = { whose: '*', steps: lanes.map((lane) => [{ lane, weight: 1 }]) }
  if (lot !== undefined) {
    const all = routes.some(({ whose }) => whose === '*') ? routes : [...routes, every]
    return all[lot % all.length] ?? every
  }
  const byNumber = routes
    .filter(({ whose }) => whose.startsWith('+') && range.startsWith(whose))
    .toSorted((a, b) => b.whose.length - a.whose.length)
  const named = (name: string) => routes.find(({ whose }) => whose === name)
  return byNumber[0] ?? named(country) ?? named('*') ?? every
}

const pacePattern = /^([a-z]+)\s+([1-9]\d{0,4})$/

/** Reads `twilio 50, messagecentral 20`: messages a second. Quotes nothing. */
export function parsePace(
  text: string | undefined,
  lanes: readonly string[],
): { pace: ReadonlyMap<string, number>; problems: string[] } {
  const entries = text === undefined ? [] : text.split(',').map((entry) => pacePattern.exec(entry.trim()))
  const pace = new Map(
    entries.flatMap((entry) => (entry === null ? [] : [[entry[1] ?? '', Number(entry[2])] as const])),
  )
  const problems: string[] = []
  if (entries.includes(null)) problems.push('SMS_PACE must be a list like `twilio 50, messagecentral 20`')
  else if (pace.size < entries.length) problems.push('SMS_PACE names a lane twice')
  if ([...pace.keys()].some((lane) => !lanes.includes(lane)))
    problems.push('SMS_PACE names a lane that is not among SMS_PROVIDERS')
  return { pace, problems }
}
