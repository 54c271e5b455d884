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

/** A right answer to a challenge that was used before: Redis `forgot` its use, or is `unsure` what became of an earlier answer. */
export type ObserveFenced = (redis: 'forgot' | 'unsure') => void

type Proof = Pick<BodyOf<typeof giveResetToken>, 'challengeId' | 'claimLapsed'>

interface ChallengesNeeds {
  readonly db: Db
  readonly people: People
  readonly sessions: Sessions
  readonly credentials: Credentials
  readonly now: () => Date
  readonly observeFenced: ObserveFenced
}

export function createChallenges({
  db,
  people,
  sessions,
  credentials,
  now,
  observeFenced,
}: ChallengesNeeds): Challenges {
  /** A refusal is returned, not thrown: a throw would roll back, and give the challenge a second life. */
  async function once<T extends object>(
    { challengeId, claimLapsed = false }: Proof,
    effect: (trx: Trx) => Promise<T | ErrorCode>,
  ): Promise<T> {
    const outcome = await db
      .transaction()
      .execute<T | ErrorCode | 'fenced'>(async (trx) =>
        (await insertConsumed(trx, challengeId, now())) ? effect(trx) : 'fenced',
      )
    if (outcome === 'fenced') {
      observeFenced(claimLapsed ? 'unsure' : 'forgot')
      throw new AppError('challenge.gone')
    }
    if (typeof outcome === 'string') throw new AppError(outcome)
    return outcome
  }

  return {
    async completeSignUp({ face, account, deviceToken, ...proof }) {
      people.check(account)
      return once(proof, async (trx) => {
        const admission = await people.admit(trx, account)
        if (admission.verdict === 'exists') return 'account.exists'
        const { person, conflicts } = admission
        return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken }), conflicts }
      })
    },
    signIn: ({ phone, face, deviceToken, ...proof }) =>
      once(proof, async (trx) => {
        const person = await people.holdOwner(trx, phone)
        if (person === undefined) return 'challenge.gone'
        if (person.disabled_at !== null) return 'account.disabled'
        return { user: toUser(person), session: await sessions.open(trx, { person, face, deviceToken }) }
      }),
    giveResetToken: ({ phone, ...proof }) =>
      once(proof, async (trx) => {
        const person = await people.holdOwner(trx, phone)
        return person === undefined ? 'challenge.gone' : credentials.giveResetToken(trx, person)
      }),
  }
}
