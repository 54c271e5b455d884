import type { PasswordRules } from '@latchkey/contracts/internal/users'

/** The numbers and rules of a challenge that differ between faces. */
export interface ChallengePolicy {
  readonly codeDigits: number
  readonly codeLifeSeconds: number
  /** Wrong answers a challenge takes from anywhere; the last of them destroys the code. */
  readonly attempts: number
  /** Wrong answers it takes from one network, where that is fewer; the last of them ends the code for that network only. */
  readonly attemptsPerClient?: number
  readonly resends: number
  /** Waits after the first, second, … send of one purpose; the last one repeats. */
  readonly cooldownsSeconds: readonly number[]
  /** `repeat`: the same code while half of its life is left; `rotate`: always a new one. */
  readonly resend: 'repeat' | 'rotate'
}

/** Everything that differs between faces with accounts before proof. */
export interface FacePolicy extends ChallengePolicy {
  readonly accessTokenSeconds: number
  readonly passwordRules: PasswordRules
  /** A right password opens no session before the phone is proved. */
  readonly loginNeedsProof: boolean
  /** A register answers as if nothing were taken. */
  readonly hideConflicts: boolean
  /** An account whose claim on a phone is lost goes on without one. */
  readonly phoneOptional?: boolean
}

/** What the operator may set of a face that speaks a documented API: flat, each rule a variable. */
export interface DialectPolicy {
  readonly codeLifeSeconds: number
  /** Between two sends of one purpose to one phone. */
  readonly cooldownSeconds: number
  readonly resends: number
  readonly resend: 'repeat' | 'rotate'
  /** Wrong answers from one network. */
  readonly attempts: number
  readonly accessTokenSeconds: number
  /** Only of a face whose accounts exist before the proof. */
  readonly loginNeedsVerifiedPhone?: boolean
  /** Only of a face whose registration tells what is taken. */
  readonly hideConflicts?: boolean
}

/** Wrong answers from anywhere end a code that takes fewer from each network: a crowd of addresses guesses no more than this. */
const attemptsFromAnywhere = 9

/** A dialect's policy as flows take it. */
export const facePolicy = (policy: DialectPolicy, codeDigits: number): FacePolicy => ({
  codeDigits,
  codeLifeSeconds: policy.codeLifeSeconds,
  attempts: Math.max(attemptsFromAnywhere, policy.attempts),
  attemptsPerClient: policy.attempts,
  resends: policy.resends,
  cooldownsSeconds: [policy.cooldownSeconds],
  resend: policy.resend,
  accessTokenSeconds: policy.accessTokenSeconds,
  passwordRules: 'lenient',
  loginNeedsProof: policy.loginNeedsVerifiedPhone ?? false,
  hideConflicts: policy.hideConflicts ?? false,
})
