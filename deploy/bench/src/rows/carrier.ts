import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type ContenderName, type Figure, interleave, type Row } from '../bench.js'
import { codeIn } from '../carrier.js'
import { measureAtRate, turnsAt } from '../measure.js'
import { openLoop } from '../open-loop.js'
import { newPhone } from '../people.js'

const senders: readonly ContenderName[] = [
  'Latchkey',
  "documents' shape",
  'better-auth, awaited, Redis',
  'better-auth, Redis',
]

/** From the request to the carrier's word that it has the message. */
export const accept: Row = {
  name: 'accept',
  what: "From the moment a sign-up is due to the moment the carrier has taken its SMS; the carrier's own time (median 250 ms) is in it.",
  run: (bench) =>
    interleave(bench, senders, async (contender, round) => {
      const { carrier } = bench.place
      await carrier.forget()
      await carrier.slow({ seed: round })
      const { perSecond } = bench.scale
      const began = Date.now()
      const due = new Map<string, number>()
      await openLoop(
        async (turn) => {
          const phone = newPhone()
          due.set(phone, began + (turn * 1_000) / perSecond)
          await contender.signUp(phone)
        },
        { perSecond, turns: turnsAt(bench, perSecond) },
      )
      await carrier.codes([...due.keys()])
      const waits = (await carrier.ledger()).map(({ to, at }) => Date.parse(at) - (due.get(to) ?? Number.NaN))
      await carrier.quick()
      return percentiles(contender.name, waits)
    }),
}

/** Percentiles of waits in milliseconds. */
export function percentiles(contender: string, waits: readonly number[], about = ''): readonly Figure[] {
  const sorted = waits.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return [
    { contender, name: `${about}p50`, unit: 'ms', values: [at(0.5)] },
    { contender, name: `${about}p99`, unit: 'ms', values: [at(0.99)] },
    { contender, name: `${about}slowest`, unit: 'ms', values: [at(1)] },
  ]
}

/** One call of a hundred to the carrier hangs. */
export const stalls: Row = {
  name: 'stalls',
  what: 'A sign-up without a password while 1 % of the calls to the carrier are stalled for 5 s, beside the same without stalls.',
  run: (bench) =>
    interleave(bench, ['Latchkey', "documents' shape", 'better-auth, awaited, Redis'], async (contender, round) => {
      const at = { contender, perSecond: bench.scale.stalledPerSecond, round }
      const ask = async () => contender.signUp(newPhone())
      const without = await measureAtRate(bench, ask, { ...at, about: 'without stalls: ' })
      const stalled = await measureAtRate(bench, ask, { ...at, about: 'stalled: ', stallShare: 0.01 })
      return [...without, ...stalled]
    }),
}

/** The carrier is away. */
export const carrierDown: Row = {
  name: 'carrier-down',
  what: 'Sign-ups while the carrier resets every connection for 3 s: what became of those that were accepted.',
  run: (bench) =>
    interleave(bench, senders, async (contender) => {
      const { carrier } = bench.place
      return withTally(bench, contender.signUp, contender.name, async (load) => {
        await sleep(eighth(bench))
        await carrier.down()
        await sleep(3 * eighth(bench))
        await carrier.up()
        await load
      })
    }),
}

/** Worker and gateway are killed. */
export const kill: Row = {
  name: 'kill',
  what: 'Sign-ups while worker and gateway are ended by kill -9, one after the other, and started again: what became of those that were accepted.',
  run: (bench) =>
    interleave(bench, ['Latchkey'], async (contender) => {
      const { stack } = await bench.ours()
      return withTally(bench, contender.signUp, contender.name, async (load) => {
        for (const name of ['sms-worker', 'auth-gateway'] as const) {
          await sleep(eighth(bench))
          await stack.processes[name].stop('SIGKILL', 0)
          await stack.restart(name)
        }
        await load
      })
    }),
}

/** A second of a whole run. */
const eighth = ({ scale }: Bench): number => (scale.seconds * 1_000) / 8

/** Sign-ups under a misfortune, and how their messages ended: none, one, more, or codes that differ. */
async function withTally(
  bench: Bench,
  signUp: (phone: string) => Promise<unknown>,
  contender: string,
  misfortune: (load: Promise<unknown>) => Promise<void>,
): Promise<readonly Figure[]> {
  const { carrier } = bench.place
  await carrier.forget()
  await carrier.slow({ seed: 1 })
  const accepted: string[] = []
  const perSecond = bench.scale.perSecond
  const load = openLoop(
    async () => {
      const phone = newPhone()
      await signUp(phone)
      accepted.push(phone)
    },
    { perSecond, turns: turnsAt(bench, perSecond) },
  )
  await misfortune(load)
  const { asked } = await load
  // A worker that was killed leaves its jobs to the next one after some 12 s.
  const settleMs = bench.scale.rounds === 1 ? 20_000 : 30_000
  const missing = await carrier.codes(accepted, settleMs).then(
    () => 0,
    (error: Error) => Number.parseInt(error.message, 10),
  )
  await carrier.quick()
  const sent = new Map<string, string[]>()
  for (const { to, body } of await carrier.ledger()) sent.set(to, [...(sent.get(to) ?? []), codeIn(body)])
  const counts = accepted.map((phone) => sent.get(phone) ?? [])
  const figure = (name: string, unit: Figure['unit'], value: number): Figure => ({
    contender,
    name,
    unit,
    values: [value],
  })
  return [
    figure('accepted', '%', (100 * accepted.length) / asked),
    figure('accepted and lost', '', missing),
    figure(
      'sent once',
      '%',
      (100 * counts.filter((codes) => codes.length === 1).length) / Math.max(1, accepted.length),
    ),
    figure('sent twice', '', counts.filter((codes) => codes.length > 1).length),
    figure('different codes', '', counts.filter((codes) => new Set(codes).size > 1).length),
  ]
}
