/** The lanes of development, in the order in which they are tried: the second is there so that failover can be seen. */
export const sandboxLanes = ['inbox', 'backup'] as const
export type SandboxLane = (typeof sandboxLanes)[number]

/** How long a carrier of development that is slow takes, and how long the worker waits for one that does not answer. */
export const slowMs = 2_000
export const sandboxTimeoutMs = 3_000

/** What a developer can make a carrier of development suffer from, and what it does then. */
export const ailments = {
  slow: `takes messages after ${slowMs / 1_000} s`,
  refuse: 'takes nothing, and says so',
  hang: 'takes nothing, and never answers',
  mute: 'takes messages, and never answers',
  no_receipts: 'takes messages, and never says that they arrived',
} as const
export type Ailment = keyof typeof ailments
