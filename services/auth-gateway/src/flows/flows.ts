import type { ChallengeStore, Numbers } from '../challenges/challenge.js'
import type { GuessBudgets } from '../abuse/guess-budgets.js'
import type { SmsBudget } from '../abuse/sms-budget.js'
import type { ReadPhone } from '../phones/canonical-phone.js'
import { createDeleteAccount, createSetSecondFactor, createUndoChange } from './account.js'
import { createReadIdentifier } from './accounts.js'
import { createAnswerByAddress, createAnswerSent } from './answer-by-address.js'
import { createAnswerChallenge } from './answer-challenge.js'
import { createChangeEmail } from './change-email.js'
import { createPrepareNotice } from './change-notice.js'
import { createChangePhone } from './change-phone.js'
import { createChooseChallenge } from './choose-challenge.js'
import { createForgotByAddress } from './forgot-by-address.js'
import { createForgotPassword } from './forgot-password.js'
import { createGuessPassword } from './guess-password.js'
import { createIsKnown } from './known-devices.js'
import { createChangeMe, createGetMe } from './me.js'
import type { CheckProfile, RefuseStopped, SmsQueue, Users } from './ports.js'
import { createChangePassword, createResetPassword } from './passwords.js'
import { createListAudit } from './list-audit.js'
import { createListConversion } from './list-conversion.js'
import { createReadChallenge } from './read-challenge.js'
import { createRegister } from './register.js'
import { createResendChallenge } from './resend-challenge.js'
import { createSendAgain } from './send-again.js'
import { createSendByAddress } from './send-by-address.js'
import {
  createEndOneSession,
  createEndSession,
  createListSessions,
  createRefreshSession,
  createSignInWithAccount,
} from './session.js'
import { createSignInWithCode } from './sign-in-with-code.js'
import { createSignInWithPassword } from './sign-in-with-password.js'
import { createSignUpByAddress } from './sign-up-by-address.js'
import { createSignUp } from './sign-up.js'
import { createStartChallenge } from './start-challenge.js'
import { createSwitchFlows } from './switches.js'
import { createTraceMessages } from './trace-messages.js'
import { createTellConflict } from './tell-conflict.js'
import { createWithinBudget } from './within-budget.js'

export interface FlowsDeps {
  readonly users: Users
  readonly challenges: ChallengeStore
  readonly guesses: GuessBudgets
  readonly smsBudget: SmsBudget
  readonly sms: SmsQueue
  readonly refuseStopped: RefuseStopped
  readonly readPhone: ReadPhone
  readonly numbers: Numbers
  readonly checkProfile: CheckProfile
  readonly newCode: (digits: number) => string
  readonly nobodyBehind: (identifier: string) => string
  readonly signUpRoles: readonly string[]
  /** Whether any carrier is configured, or the inbox. */
  readonly canSend: boolean
  /** Whether a mail server is configured, or the mailbox of development. */
  readonly canMail: boolean
  /** Development only: faces whose document shows the code may tell it. */
  readonly exposeCodes: boolean
}

/** Everything a person can do; every face calls these and nothing else. */
export function createFlows({
  users,
  challenges,
  guesses,
  smsBudget,
  sms,
  refuseStopped,
  readPhone,
  numbers,
  checkProfile,
  newCode,
  nobodyBehind,
  signUpRoles,
  canSend,
  canMail,
  exposeCodes,
}: FlowsDeps) {
  const startChallenge = createStartChallenge({ challenges, sms, newCode, nobodyBehind })
  const withinBudget = createWithinBudget({ smsBudget })
  const readIdentifier = createReadIdentifier(readPhone)
  const chooseChallenge = createChooseChallenge(challenges)
  const isKnown = createIsKnown({ users })
  const guessPassword = createGuessPassword({ guesses })
  const prepareNotice = createPrepareNotice({ challenges, readPhone, canMail })
  const answerChallenge = createAnswerChallenge({ challenges, users, sms, guesses, smsBudget, isKnown, guessPassword })
  const tellConflict = createTellConflict({ guesses })
  const answerByAddress = createAnswerByAddress({ challenges, guesses, chooseChallenge, answerChallenge })
  const sendAgain = createSendAgain({ challenges, sms, numbers })
  const roles = signUpRoles
  return {
    signUp: createSignUp({
      users,
      withinBudget,
      refuseStopped,
      startChallenge,
      readPhone,
      checkProfile,
      roles,
      canMail,
    }),
    signInWithPassword: createSignInWithPassword({
      users,
      refuseStopped,
      startChallenge,
      readIdentifier,
      readPhone,
      isKnown,
      guessPassword,
    }),
    signInWithCode: createSignInWithCode({ users, refuseStopped, startChallenge, readPhone }),
    forgotPassword: createForgotPassword({ users, refuseStopped, startChallenge, readIdentifier, readPhone, canMail }),
    readChallenge: createReadChallenge({ challenges, users }),
    answerChallenge,
    resendChallenge: createResendChallenge({ challenges, sms, withinBudget, refuseStopped, numbers }),
    refreshSession: createRefreshSession({ users }),
    endSession: createEndSession({ users }),
    listSessions: createListSessions({ users }),
    endOneSession: createEndOneSession({ users }),
    getMe: createGetMe({ users }),
    changeMe: createChangeMe({ users, tellConflict, checkProfile }),
    resetPassword: createResetPassword({ users }),
    changePassword: createChangePassword({ users, guessPassword }),
    changePhone: createChangePhone({
      users,
      withinBudget,
      refuseStopped,
      startChallenge,
      prepareNotice,
      readPhone,
      guessPassword,
    }),
    changeEmail: createChangeEmail({
      users,
      withinBudget,
      refuseStopped,
      startChallenge,
      prepareNotice,
      guessPassword,
      canMail,
    }),
    undoChange: createUndoChange({ users }),
    setSecondFactor: createSetSecondFactor({ users, guessPassword }),
    deleteAccount: createDeleteAccount({ users, guessPassword }),
    register: createRegister({
      users,
      withinBudget,
      refuseStopped,
      tellConflict,
      startChallenge,
      readPhone,
      roles,
      canSend,
    }),
    signInWithAccount: createSignInWithAccount({ users, readIdentifier, isKnown, guessPassword }),
    signUpByAddress: createSignUpByAddress({
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
    }),
    forgotByAddress: createForgotByAddress({
      users,
      challenges,
      refuseStopped,
      startChallenge,
      sendAgain,
      readPhone,
      canSend,
    }),
    listAudit: createListAudit({ users }),
    switches: createSwitchFlows({ users }),
    listConversion: createListConversion({ users }),
    traceMessages: createTraceMessages({ users }),
    answerSent: createAnswerSent({ users, challenges, answerByAddress, readPhone }),
    sendByAddress: createSendByAddress({
      users,
      isKnown,
      challenges,
      withinBudget,
      refuseStopped,
      startChallenge,
      sendAgain,
      readPhone,
      canSend,
      exposeCodes,
    }),
  }
}

export type Flows = ReturnType<typeof createFlows>
