import { configExitCode, LaunchError } from '../launch-error.js'

/** Runs an operator's command on the words behind its name. What it cannot do is one sentence on stderr and an exit code. */
export async function runCommand(name: string, work: (words: string[]) => Promise<void>): Promise<void> {
  try {
    await work(process.argv.slice(2).filter((word, at) => at > 0 || word !== name))
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
}

/** What was typed cannot be obeyed. */
export const misspelt = (usage: string): LaunchError => new LaunchError(usage, { exitCode: configExitCode })

/** Prints a page for people, or the same for programs. */
export function print(page: readonly string[], { json, data }: { json: boolean; data: unknown }): void {
  process.stdout.write(json ? `${JSON.stringify(data, null, 2)}\n` : `${page.join('\n')}\n`)
}

/** A phone as people type it, in the one form that users takes; undefined where it is none. */
export function readPhone(text: string): string | undefined {
  const phone = text.replace(/[\s().-]/g, '').replace(/^00(?=[1-9])/, '+')
  return /^\+[1-9]\d{6,14}$/.test(phone) ? phone : undefined
}
