import type { ErrorCode } from '@latchkey/contracts/errors'
import { AppError } from '@latchkey/kit/app-error'
import type { GuessBudgets } from '../abuse/guess-budgets.js'
import { tooSoon } from './accounts.js'
import type { Caller } from './ports.js'

/**
 * Has something taken whose conflict would be told by an error, counted before it for the network that asks: whoever was told of enough is
 * refused what is free as well, since the refusal would tell. What met no conflict is given back. Throws `rate.limited`, and what taking throws.
 */
export type TellConflict = <T>(caller: Caller, told: ErrorCode, take: () => Promise<T>) => Promise<T>

export function createTellConflict({ guesses }: { guesses: Pick<GuessBudgets, 'conflict'> }): TellConflict {
  return async function tellConflict(caller, told, take) {
    const counted = await guesses.conflict(caller.guesser)
    if (counted.verdict === 'limited') throw tooSoon(counted.retryAt)
    // Not awaited: whoever is told of a conflict has waited as long as everybody else.
    const giveBack = () => void counted.giveBack().catch(() => undefined)
    try {
      const taken = await take()
      giveBack()
      return taken
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== told) giveBack()
      throw error
    }
  }
}
