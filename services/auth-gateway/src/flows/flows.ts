import type { ChallengeStore, Numbers } from '../challenges/challenge.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { createReadIdentifier } from './accounts.js'
import { createAnswerChallenge } from './answer-challenge.js'
import { createForgotPassword } from './forgot-password.js'
import { createChangeMe, createGetMe } from './me.js'
import type { SmsQueue, Users } from './ports.js'
import { createReadChallenge } from './read-challenge.js'
import { createResendChallenge } from './resend-challenge.js'
import { createEndSession, createRefreshSession, createSignInWithPassword } from './session.js'
import { createSignInWithCode } from './sign-in-with-code.js'
import { createSignUp } from './sign-up.js'
import { createStartChallenge } from './start-challenge.js'

export interface FlowsDeps {
  readonly users: Users
  readonly challenges: ChallengeStore
  readonly sms: SmsQueue
  readonly readPhone: ReadPhone
  readonly numbers: Numbers
  readonly newCode: (digits: number) => string
  readonly nobodyBehind: (identifier: string) => string
  readonly signUpRoles: readonly string[]
}

/** Everything a person can do; every face calls these and nothing else. */
export function createFlows({
  users,
  challenges,
  sms,
  readPhone,
  numbers,
  newCode,
  nobodyBehind,
  signUpRoles,
}: FlowsDeps) {
  const startChallenge = createStartChallenge({ challenges, sms, newCode, nobodyBehind })
  const readIdentifier = createReadIdentifier(readPhone)
  return {
    signUp: createSignUp({ users, startChallenge, readPhone, roles: signUpRoles }),
    signInWithPassword: createSignInWithPassword({ users, readIdentifier }),
    signInWithCode: createSignInWithCode({ users, startChallenge, readPhone }),
    forgotPassword: createForgotPassword({ users, startChallenge, readIdentifier, readPhone }),
    readChallenge: createReadChallenge({ challenges, users }),
    answerChallenge: createAnswerChallenge({ challenges, users }),
    resendChallenge: createResendChallenge({ challenges, sms, numbers }),
    refreshSession: createRefreshSession({ users }),
    endSession: createEndSession({ users }),
    getMe: createGetMe({ users }),
    changeMe: createChangeMe({ users }),
  }
}

export type Flows = ReturnType<typeof createFlows>
