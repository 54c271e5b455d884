import type { ContenderName } from './bench.js'
import { figureOf, type Results, shown } from './results.js'

/** What we want of a run, and what it came to. */
export interface Target {
  readonly what: string
  readonly wanted: string
  /** NaN where the rows it needs were not run. */
  readonly figure: number
  readonly unit: string
  readonly met: boolean
}

type Read = (row: string, contender: ContenderName | 'bare parts', name: string) => number

const us: ContenderName = 'Latchkey'
const documents: ContenderName = "documents' shape"

/** Every target beside its figure. Ratios are of medians within one run. */
export function judge(results: Results): readonly Target[] {
  const read: Read = (...of) => figureOf(results, ...of)
  return [...latency(read), ...misfortune(read), ...cpu(read), ...shares(read), ...backlog(read), ...growing(read)]
}

const least = (what: string, wanted: number, figure: number, unit = '×'): Target => ({
  what,
  wanted: `≥ ${wanted} ${unit}`,
  figure,
  unit,
  met: figure >= wanted,
})
const most = (what: string, wanted: number, figure: number, unit = '×'): Target => ({
  what,
  wanted: `≤ ${shown(wanted)} ${unit}`,
  figure,
  unit,
  met: figure <= wanted,
})

function latency(read: Read): readonly Target[] {
  const faster = (row: string, than: ContenderName, name: string) => read(row, than, name) / read(row, us, name)
  return [
    least(
      "sign-up with password at 15/s: p50 below the documents' shape",
      25,
      faster('sign-up-password', documents, 'p50'),
    ),
    least(
      "sign-up with password at 15/s: p99 below the documents' shape",
      10,
      faster('sign-up-password', documents, 'p99'),
    ),
    least("sign-up at 50/s: p50 below the documents' shape", 30, faster('sign-up', documents, '50/s: p50')),
    least('sign-up at 50/s: p50 below better-auth awaited', 30, faster('sign-up', 'better-auth, awaited', '50/s: p50')),
  ]
}

function misfortune(read: Read): readonly Target[] {
  const stalled = read('stalls', us, 'stalled: p99')
  const kill = (name: string) => read('kill', us, name)
  const down = (name: string) => read('carrier-down', us, name)
  return [
    most('1 % stalls at 100/s: p99 against our own without', 1.5, stalled / read('stalls', us, 'without stalls: p99')),
    least(
      "1 % stalls at 100/s: p99 below the documents' shape",
      50,
      read('stalls', documents, 'stalled: p99') / stalled,
    ),
    most('carrier down for 3 s: accepted sign-ups without a code', 0, down('accepted and lost'), ''),
    most('carrier down for 3 s: sent twice', 0, down('sent twice'), ''),
    most('kill -9 under load: accepted and lost', 0, kill('accepted and lost'), ''),
    least('kill -9 under load: sent once', 99, kill('sent once'), '%'),
    most('kill -9 under load: different codes', 0, kill('different codes'), ''),
  ]
}

function cpu(read: Read): readonly Target[] {
  const redis: ContenderName = 'better-auth, Redis'
  const check = (name: ContenderName) => read('token-check', name, 'CPU')
  const bestCheck = Math.min(check('better-auth'), check(redis), check('better-auth, Redis, cookie cache'))
  const signUp = (name: ContenderName) => read('sign-up', name, '50/s: CPU')
  return [
    most(
      "CPU of a sign-up, worker and stores included, against the documents' shape",
      1,
      signUp(us) / signUp(documents),
    ),
    most('CPU of a sign-up, worker and stores included, against better-auth with Redis', 1, signUp(us) / signUp(redis)),
    least('CPU of an answer below better-auth with Redis', 4, read('answer', redis, 'CPU') / read('answer', us, 'CPU')),
    least('CPU of a token check below the best of better-auth', 6, bestCheck / check(us)),
  ]
}

/** Which bare parts no such request can do without, and how often. */
export const composites = {
  'sign-up': {
    'HTTP request': 1,
    'internal hop': 1,
    'PostgreSQL select': 1,
    'Redis script': 1,
    'BullMQ job': 1,
    'carrier SDK send': 1,
    'PostgreSQL insert': 1,
  },
  answer: { 'HTTP request': 1, 'internal hop': 1, 'Redis script': 2, 'PostgreSQL insert': 1, 'ES256 signature': 1 },
  refresh: { 'HTTP request': 1, 'internal hop': 1, 'PostgreSQL insert': 1, 'ES256 signature': 1 },
  'log-in': {
    'HTTP request': 1,
    'internal hop': 1,
    'Redis script': 1,
    'PostgreSQL select': 1,
    'PostgreSQL insert': 1,
    'ES256 signature': 1,
    argon2id: 1,
  },
  'token check': { 'HTTP request': 1, 'ES256 check': 1 },
} as const

function shares(read: Read): readonly Target[] {
  const limit = (of: keyof typeof composites) =>
    Object.entries<number>(composites[of]).reduce(
      (sum, [part, times]) => sum + times * read('primitives', 'bare parts', part),
      0,
    )
  const hashed = limit('sign-up') + read('primitives', 'bare parts', 'argon2id')
  const share = (limitUs: number, row: string, name: string) => (100 * limitUs) / read(row, us, name)
  const of = (what: string) => `share of the composite limit: ${what}`
  return [
    least(of('sign-up'), 45, share(limit('sign-up'), 'sign-up', '50/s: CPU'), '%'),
    least(of('sign-up with password'), 65, share(hashed, 'sign-up-password', 'CPU'), '%'),
    least(of('answer'), 40, share(limit('answer'), 'answer', 'CPU'), '%'),
    least(of('refresh'), 40, share(limit('refresh'), 'refresh', 'CPU'), '%'),
    least(of('log-in'), 75, share(limit('log-in'), 'log-in', 'CPU'), '%'),
    least(of('token check'), 70, share(limit('token check'), 'token-check', 'CPU'), '%'),
  ]
}

function backlog(read: Read): readonly Target[] {
  const one = read('drain', us, 'one worker: CPU a job')
  const two = read('drain', us, 'two workers: CPU a job')
  return [
    most('CPU of the worker a job, with the SDK', 400, one, 'µs'),
    most('the same with two workers, against one', 1.1, two / one),
    most(
      'a sign-in code behind 50,000 campaign jobs: slowest until the carrier has it',
      1_000,
      read('campaign', us, 'campaign waits: slowest'),
      'ms',
    ),
  ]
}

function growing(read: Read): readonly Target[] {
  const slower = (what: string) =>
    read('growth', us, `and accounts: ${what} p50`) / read('growth', us, `before: ${what} p50`)
  return [
    most('p50 of a sign-up with 100,000 pending codes and 1,000,000 accounts, against empty', 1.2, slower('sign-up')),
    most('p50 of an answer with the same', 1.2, slower('answer')),
    most('Redis a pending code', 1_800, read('growth', us, 'Redis a pending code'), 'bytes'),
    most(
      'PostgreSQL an account, indexes included',
      300,
      read('growth', us, 'PostgreSQL an account, indexes included'),
      'bytes',
    ),
  ]
}
