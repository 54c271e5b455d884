import { AppError } from '@latchkey/kit/app-error'
import type { Judged, SmsBudget } from '../abuse/sms-budget.js'
import type { KnownChallenge } from '../challenges/challenge.js'
import type { CanonicalPhone } from '../phones/canonical-phone.js'
import type { Caller } from './ports.js'
import { isWithoutEffect } from './start-challenge.js'

/** Messages that anybody can ask for, to whatever number: judged before anything is done for them, and given back where nothing comes of it. */
export interface WithinBudget {
  /**
   * The same whoever has the number. Throws `rate.limited`; where that would tell who has it (`silently`) what was refused is done without a
   * message instead.
   */
  first<T>(
    send: { readonly phone: CanonicalPhone | null; readonly silently?: boolean },
    caller: Caller,
    work: (judged: Judged) => Promise<T>,
  ): Promise<T>
  /** One more message of a challenge. Throws `rate.limited`. */
  again<T>(challenge: KnownChallenge, caller: Caller, work: () => Promise<T>): Promise<T>
}

/** One answer for every rule and number, however close: whoever is refused learns what to do, and nothing about the rules. */
const comeAgainMs = 5 * 60_000

export function createWithinBudget({ smsBudget }: { smsBudget: SmsBudget }): WithinBudget {
  async function unlessNothingCame<T>(judged: Judged, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isWithoutEffect(error)) judged.giveBack()
      throw error
    }
  }

  return {
    async first({ phone, silently = false }, caller, work) {
      const judged = await smsBudget.take(phone, caller)
      if (judged.refused && !silently) throw tooMany()
      return unlessNothingCame(judged, () => work(judged))
    },
    async again(challenge, caller, work) {
      const judged = await smsBudget.again(challenge, caller)
      if (judged.refused) throw tooMany()
      return unlessNothingCame(judged, work)
    },
  }
}

const tooMany = () =>
  new AppError('rate.limited', {
    retryAt: new Date(Date.now() + comeAgainMs),
    detail: 'Too many codes are asked for at the moment: try again later. Whoever has an account can log in.',
  })
