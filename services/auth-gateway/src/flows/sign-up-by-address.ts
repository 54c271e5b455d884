import type { PendingAccount } from '@latchkey/contracts/internal/users'
import { AppError, invalidField } from '@latchkey/kit/app-error'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { checkStorable, readEmail } from './accounts.js'
import { addressOfBoth } from './addresses.js'
import type { Proved } from './answer-challenge.js'
import type { AnswerByAddress } from './answer-by-address.js'
import type { ChooseChallenge } from './choose-challenge.js'
import type { FacePolicy } from './policy.js'
import type { FaceCaller, RefuseStopped, Users } from './ports.js'
import type { SendAgain } from './send-again.js'
import type { StartChallenge } from './start-challenge.js'
import type { WithinBudget } from './within-budget.js'

export interface SignUpByAddressDeps {
  readonly users: Pick<Users, 'prepareSignUp'>
  readonly chooseChallenge: ChooseChallenge
  readonly withinBudget: WithinBudget
  readonly refuseStopped: RefuseStopped
  readonly startChallenge: StartChallenge
  readonly sendAgain: SendAgain
  readonly answerByAddress: AnswerByAddress
  readonly readPhone: ReadPhone
  readonly roles: readonly string[]
  readonly canSend: boolean
}

/** All of an account, told twice: to get the code, and with it. */
export interface WholeAccount {
  readonly phone: string
  readonly email: string
  readonly password: string
  readonly name: string
  readonly role: string
}

export interface SignUpByAddress {
  /**
   * Sends a code, whoever has the phone already; that of the caller's own client again while it lives. Throws `request.invalid`,
   * `password.weak`, `rate.limited`, `challenge.resends_spent`.
   */
  start(account: WholeAccount, caller: FaceCaller, policy: FacePolicy): Promise<void>
  /** Creates the account that is told with the code. Throws `account.exists` after a right one, and what an answer throws. */
  finish(account: WholeAccount & { readonly code: string }, caller: FaceCaller, policy: FacePolicy): Promise<Proved>
}

/** A sign-up where nothing exists before the proof and no challenge id is told: it is found by e-mail and phone together. */
export function createSignUpByAddress({
  users,
  chooseChallenge,
  withinBudget,
  refuseStopped,
  startChallenge,
  sendAgain,
  answerByAddress,
  readPhone,
  roles,
  canSend,
}: SignUpByAddressDeps): SignUpByAddress {
  /** The account as it is kept, its password judged, and hashed where it will be needed. */
  async function read(account: WholeAccount, caller: FaceCaller, { passwordRules }: FacePolicy, hash: boolean) {
    const phone = readPhone(account.phone)
    const email = readEmail(account.email)
    if (!roles.includes(account.role)) throw invalidField('/role', `must be one of ${roles.join(', ')}`)
    checkStorable('/name', account.name)
    const { passwordHash } = await users.prepareSignUp(
      { phone: phone.e164, email, password: account.password, rules: passwordRules, hash },
      caller,
    )
    const kept: Omit<PendingAccount, 'phone'> = {
      email,
      username: null,
      role: account.role,
      passwordHash,
      name: account.name,
      profile: {},
    }
    return { phone, kept, address: addressOfBoth(caller.face, 'sign_up', { email, phone: phone.e164 }) }
  }

  return {
    async start(account, caller, policy) {
      const { phone, address } = await read(account, caller, policy, false)
      if (!canSend) throw new AppError('unavailable')
      await refuseStopped({ purposes: ['sign_up'], country: phone.country })
      // Never that of another client: whoever asked first could end the code of the owner by guessing at it.
      const chosen = await chooseChallenge(address, caller)
      const own = chosen?.state === 'live' && chosen.openedBy === caller.client.key ? chosen : undefined
      await withinBudget.first({ phone }, caller, async (judged) => {
        if (own !== undefined && (await sendAgain(own.id, caller, policy))) return
        await startChallenge(
          {
            purpose: 'sign_up',
            policy,
            phone,
            identifier: phone.e164,
            says: 'code',
            addressShown: true,
            judged,
            found: { address, client: caller.client },
          },
          caller,
        )
      })
    },
    async finish({ code, ...account }, caller, policy) {
      const { kept, address } = await read(account, caller, policy, true)
      return answerByAddress({ address, code, account: kept }, caller, policy)
    },
  }
}
