import type { BodyOf, ReplyOf } from '@latchkey/contracts/endpoint'
import type { ErrorCode } from '@latchkey/contracts/errors'
import type { completeSignUp, giveResetToken, signInWithPhone } from '@latchkey/contracts/internal/users'
import { AppError } from '@latchkey/kit/app-error'
import type { Credentials } from '../credentials/credentials.service.js'
import type { Db, Trx } from '../database.js'
import { type People, toUser } from '../people/people.service.js'
import type { Sessions } from '../sessions/sessions.service.js'
import { insertConsumed } from './challenges.repository.js'

/** What a proved challenge leads to, each at most once per challenge: the effect and its fence are one transaction. */
export interface Challenges {
  completeSignUp(input: BodyOf<typeof completeSignUp>): Promise<ReplyOf<typeof completeSignUp>>
  signIn(input: BodyOf<typeof signInWithPhone>): Promise<ReplyOf<typeof signInWithPhone>>
  giveResetToken(input: BodyOf<typeof giveResetToken>): Promise<ReplyOf<typeof giveResetToken>>
}

interface ChallengesNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Sessions
  readonly credentials: Credentials
  readonly now: () => Date
}

export function createChallenges({ db, people, sessions, credentials, now }: ChallengesNeeds): Challenges {
  /** A refusal is returned, not thrown: a throw would roll back, and give the challenge a second life. */
  async function once<T extends object>(challengeId: string, effect: (trx: Trx) => Promise<T | ErrorCode>): Promise<T> {
    const outcome = await db
      .transaction()
      .execute<T | ErrorCode>(async (trx) =>
        (await insertConsumed(trx, challengeId, now())) ? effect(trx) : 'challenge.gone',
      )
    if (typeof outcome === 'string') throw new AppError(outcome)
    return outcome
  }

  return {
    async completeSignUp({ challengeId, face, account, deviceToken }) {
      people.check(account)
      return once(challengeId, async (trx) => {
        const admission = await people.admit(trx, account)
        if (admission.verdict === 'exists') return 'account.exists'
        const { person, conflicts } = admission
        return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken }), conflicts }
      })
    },
    signIn: ({ challengeId, phone, face, deviceToken }) =>
      once(challengeId, async (trx) => {
        const person = await people.holdOwner(trx, phone)
        if (person === undefined) return 'challenge.gone'
        if (person.disabled_at !== null) return 'account.disabled'
        return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken }) }
      }),
    giveResetToken: ({ challengeId, phone }) =>
      once(challengeId, async (trx) => {
        const person = await people.holdOwner(trx, phone)
        return person === undefined ? 'challenge.gone' : credentials.giveResetToken(trx, person)
      }),
  }
}
