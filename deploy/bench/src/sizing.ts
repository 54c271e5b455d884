import type { ContenderName } from './bench.js'
import { figureOf, type Results, shown } from './results.js'
import { table } from './table.js'

const us: ContenderName = 'Latchkey'

/** Who works for a request, and what one of them can have of the machine: Node runs our code, and Redis its commands, on one core. */
const parts = {
  gateway: 'a core each',
  users: 'a core each',
  worker: 'a core each',
  Redis: 'a core each shard',
  PostgreSQL: 'as many cores as it is given',
} as const
type Part = keyof typeof parts

/** What people do: its row, and how the figures are named there. At the highest rate, for what runs anyway weighs least there. */
const deeds = {
  'sign-up': ['sign-up', '200/s: '],
  'answer to it': ['answer', ''],
  'asking for a code': ['code-log-in', 'ask: '],
  'answer to that': ['code-log-in', 'answer: '],
  'log-in by password': ['log-in', ''],
  refresh: ['refresh', ''],
  'token check': ['token-check', ''],
} as const
type Deed = keyof typeof deeds

/** A code that leads somewhere: somebody asks for it, and answers with it. */
const code: readonly Deed[] = ['asking for a code', 'answer to that']

/** Half of what there is stays free: for a part that is lost, and for the worst second of a busy hour. */
const busy = 0.5
const codeLifeSeconds = 300

/** What each deed costs which part, and what that makes of so many codes a second: arithmetic with the figures of a run. */
export function sizing(results: Results): string[] {
  const costUs = (deed: Deed, part: Part) => {
    const [row, about] = deeds[deed]
    return figureOf(results, row, us, `${about}CPU of ${part}`)
  }
  const names = Object.keys(parts) as Part[]
  const each = (Object.keys(deeds) as Deed[]).map((deed) => [deed, ...names.map((part) => shown(costUs(deed, part)))])
  const codeBytes = figureOf(results, 'growth', us, 'Redis a pending code')
  const rowBytes = figureOf(results, 'growth', us, 'PostgreSQL an account, indexes included')
  const jobUs = figureOf(results, 'drain', us, 'one worker: CPU of Redis a job')
  const needed = [10, 100, 1_000, 10_000].map((perSecond) => {
    const cores = names.map((part) => (perSecond * code.reduce((sum, deed) => sum + costUs(deed, part), 0)) / 1e6)
    return [
      perSecond.toLocaleString('en-US'),
      ...cores.map((used) => `${shown(used)} → ${shown(Math.ceil(used / busy))}`),
      `${shown((perSecond * codeLifeSeconds * codeBytes) / 2 ** 20)} MB`,
    ]
  })
  return [
    '## What it takes',
    `CPU of each part in µs, from the figures above:`,
    table(['', ...names], each),
    `A code that somebody asks for to log in, and answers with, so often a second: cores that work → cores to have, so that half of them are idle,
and what Redis holds of codes that live for ${codeLifeSeconds / 60} minutes. ${names.map((part) => `${part}: ${parts[part]}`).join('; ')}. On the machine of this run; another is faster or slower by a factor of its own.`,
    table(['codes a second', ...names, 'codes in Redis'], needed),
    `The jobs of a queue lie in one slot, so on one shard however many there are: a job is ${shown(jobUs)} µs of it here, and half of a core is
${shown((busy * 1e6) / jobUs)} jobs a second. An account is ${shown(rowBytes)} bytes in PostgreSQL, so a million are ${shown((rowBytes * 1e6) / 2 ** 20)} MB; what is written down of messages and traces comes on top, for as long as
[it is kept](operations.md#what-is-kept-and-for-how-long). What to turn, in which order, and where another limit comes first: [operations](operations.md#sizing).`,
  ]
}
