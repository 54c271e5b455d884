import type { ContenderName } from './bench.js'

/** How long and how much is measured. */
export interface Scale {
  /** Who takes part; everybody where it is not said. */
  readonly contenders?: readonly ContenderName[]
  readonly rounds: number
  /** Of one measurement. */
  readonly seconds: number
  /** After a load, until what it began is done too: its CPU belongs to it. */
  readonly settleMs: number
  /** People who sign up, answer and are checked before anything of a contender is measured. */
  readonly warmUps: number
  /** Sign-ups a second, below what anybody can do. */
  readonly signUpRates: readonly number[]
  /** Of everything else without a hash, of what hashes, of what carriers are stalled under, of token checks. */
  readonly perSecond: number
  readonly hashesPerSecond: number
  readonly stalledPerSecond: number
  readonly checksPerSecond: number
  readonly pendingCodes: number
  readonly users: number
  readonly jobs: number
  readonly campaignJobs: number
  /** Turns of each bare primitive. */
  readonly turns: number
}

/** Under an hour in all. */
export const fullScale: Scale = {
  rounds: 3,
  seconds: 8,
  settleMs: 1_500,
  warmUps: 1_000,
  signUpRates: [15, 50, 200],
  perSecond: 50,
  hashesPerSecond: 15,
  stalledPerSecond: 100,
  checksPerSecond: 200,
  pendingCodes: 100_000,
  users: 1_000_000,
  jobs: 100_000,
  campaignJobs: 50_000,
  turns: 3_000,
}

/** Whether it works at all; its figures mean nothing. */
export const smokeScale: Scale = {
  contenders: ['Latchkey', "documents' shape", 'better-auth, Redis'],
  rounds: 1,
  seconds: 1,
  settleMs: 300,
  warmUps: 3,
  signUpRates: [10],
  perSecond: 10,
  hashesPerSecond: 4,
  stalledPerSecond: 10,
  checksPerSecond: 20,
  pendingCodes: 200,
  users: 200,
  jobs: 200,
  campaignJobs: 200,
  turns: 20,
}
