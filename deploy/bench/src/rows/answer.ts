import { type ContenderName, interleave, type Row } from '../bench.js'
import { measureAtRate, turnsAt } from '../measure.js'
import { accounts, newPhone, withCodes } from '../people.js'

const each: readonly ContenderName[] = ['Latchkey', "documents' shape", 'better-auth', 'better-auth, Redis']

/** The right code of a sign-up, and the session it leads to. */
export const answer: Row = {
  name: 'answer',
  what: 'The right code of a sign-up without a password: an account and a session come of it.',
  run: (bench) =>
    interleave(bench, each, async (contender, round) => {
      const { perSecond } = bench.scale
      const waiting = await withCodes(bench, turnsAt(bench, perSecond), () => contender.signUp(newPhone()))
      const ask = async (turn: number) => {
        const { code, ...pending } = waiting[turn] ?? { phone: '', ref: '', code: '' }
        return contender.answer(pending, code)
      }
      return measureAtRate(bench, ask, { contender, perSecond, round })
    }),
}

/** Both halves of a log-in by code. */
export const codeLogIn: Row = {
  name: 'code-log-in',
  what: 'A log-in by code of people who have an account: asking for the code, and answering with it.',
  run: async (bench) => {
    const { perSecond, rounds } = bench.scale
    const count = turnsAt(bench, perSecond)
    return interleave(bench, each, async (contender, round) => {
      // A phone may ask for so many codes an hour: everybody asks once a round.
      const people = (await accounts(bench, contender, { count: count * rounds })).slice(
        (round - 1) * count,
        round * count,
      )
      const pending = new Map<number, Awaited<ReturnType<typeof contender.askCode>>>()
      const asking = await measureAtRate(
        bench,
        async (turn) => pending.set(turn, await contender.askCode(people[turn]?.phone ?? '')),
        { contender, perSecond, round, about: 'ask: ' },
      )
      const codes = await bench.place.carrier.codes([...pending.values()].map(({ phone }) => phone))
      const answering = await measureAtRate(
        bench,
        async (turn) => {
          const one = pending.get(turn)
          if (one === undefined) throw new Error('no code was sent')
          return contender.answerLogIn(one, codes.get(one.phone) ?? '')
        },
        { contender, perSecond, round, about: 'answer: ' },
      )
      return [...asking, ...answering]
    })
  },
}
