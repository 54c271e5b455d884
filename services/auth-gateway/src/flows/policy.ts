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
}
