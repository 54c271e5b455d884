/** The numbers and rules that differ between faces. */
export interface ChallengePolicy {
  readonly codeDigits: number
  readonly codeLifeSeconds: number
  /** Wrong answers a challenge takes; the last of them destroys the code. */
  readonly attempts: number
  readonly resends: number
  /** Waits after the first, second, … send of one purpose; the last one repeats. */
  readonly cooldownsSeconds: readonly number[]
  /** `repeat`: the same code while half of its life is left; `rotate`: always a new one. */
  readonly resend: 'repeat' | 'rotate'
}
