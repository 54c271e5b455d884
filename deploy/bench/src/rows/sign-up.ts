import { type ContenderName, interleave, type Row } from '../bench.js'
import { closedLoop, percentileMs } from '../open-loop.js'
import { measureAtRate } from '../measure.js'
import { newPhone, password } from '../people.js'

const everybody: readonly ContenderName[] = [
  'Latchkey',
  "documents' shape",
  'better-auth, awaited',
  'better-auth',
  'better-auth, awaited, Redis',
  'better-auth, Redis',
]

const some: readonly ContenderName[] = ['Latchkey', "documents' shape", 'better-auth, awaited', 'better-auth, Redis']

/** Sign-up without a password, at each rate. */
export const signUp: Row = {
  name: 'sign-up',
  what: 'A sign-up without a password, from the request to its reply; CPU includes everything until its SMS is out.',
  run: async (bench) => {
    const rates = bench.scale.signUpRates
    const rows = []
    for (const perSecond of rates)
      rows.push(
        ...(await interleave(bench, perSecond === bench.scale.perSecond ? everybody : some, (contender, round) =>
          measureAtRate(bench, () => contender.signUp(newPhone()), {
            contender,
            perSecond,
            round,
            about: `${perSecond}/s: `,
          }),
        )),
      )
    return rows
  },
}

/** The phone plugin of better-auth knows no sign-up that brings a password. */
export const signUpWithPassword: Row = {
  name: 'sign-up-password',
  what: 'A sign-up that brings a password: argon2id (19 MiB, 2, 1) here, bcrypt at cost 10 there.',
  run: (bench) =>
    interleave(bench, ['Latchkey', "documents' shape"], (contender, round) =>
      measureAtRate(bench, () => contender.signUp(newPhone(), password), {
        contender,
        perSecond: bench.scale.hashesPerSecond,
        round,
      }),
    ),
}

/** How many sign-ups a second there can be at most. */
export const most: Row = {
  name: 'most',
  what: 'The most sign-ups a second without a password: 64 callers that ask again as soon as they are answered.',
  run: (bench) =>
    interleave(
      bench,
      ['Latchkey', "documents' shape", 'better-auth, awaited, Redis', 'better-auth, Redis'],
      async (contender, round) => {
        await bench.place.carrier.slow({ seed: round })
        const { seconds } = bench.scale
        const load = await closedLoop(() => contender.signUp(newPhone()), { callers: 64, turns: 1_000_000, seconds })
        const figure = { contender: contender.name }
        return [
          { ...figure, name: 'sign-ups', unit: '/s', values: [(load.asked - load.failed) / load.seconds] },
          { ...figure, name: 'p50', unit: 'ms', values: [percentileMs(load, 50)] },
          { ...figure, name: 'failed', unit: '%', values: [(100 * load.failed) / load.asked] },
        ]
      },
    ),
}
