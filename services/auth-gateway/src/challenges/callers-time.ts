import type { GuessBudgets } from '../abuse/guess-budgets.js'
import type { ChallengeStore } from './challenge.js'

type Verdicts = Pick<ChallengeStore, 'open' | 'answer' | 'resend'>

/**
 * A store whose refusals say when to come again by the caller's own clock: development moves that of challenges, and
 * whoever is told to wait would be told to wait for what was skipped.
 */
export function inCallersTime<S extends Verdicts>(store: S, offsetMs: () => number): S {
  const told = earlierBy(offsetMs)
  return {
    ...store,
    open: async (challenge) => told(await store.open(challenge)),
    answer: async (...guess) => told(await store.answer(...guess)),
    resend: async (...send) => told(await store.resend(...send)),
  }
}

/** The same of budgets that flows ask themselves. An answer is counted inside the store, which tells it. */
export function guessesInCallersTime(guesses: GuessBudgets, offsetMs: () => number): GuessBudgets {
  const told = earlierBy(offsetMs)
  return {
    ...guesses,
    password: async (...guess) => told(await guesses.password(...guess)),
    conflict: async (network) => told(await guesses.conflict(network)),
    roomToAnswer: async (network) => told(await guesses.roomToAnswer(network)),
  }
}

const earlierBy =
  (offsetMs: () => number) =>
  <V extends { readonly verdict: string; readonly retryAt?: Date }>(verdict: V): V =>
    verdict.retryAt === undefined ? verdict : { ...verdict, retryAt: new Date(verdict.retryAt.getTime() - offsetMs()) }
