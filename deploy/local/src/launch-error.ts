/** Why the launcher cannot go on, in one sentence that says what to do; `details` are lines worth showing below it. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError'
  readonly exitCode: number
  readonly details: readonly string[]

  constructor(
    sentence: string,
    { exitCode = 1, details = [] }: { exitCode?: number; details?: readonly string[] } = {},
  ) {
    super(sentence)
    this.exitCode = exitCode
    this.details = details
  }
}

/** EX_CONFIG of sysexits.h: what a process exits with when its configuration cannot be used. */
export const configExitCode = 78
