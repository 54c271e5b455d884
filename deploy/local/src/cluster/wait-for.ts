import { setTimeout as sleep } from 'node:timers/promises'
import { LaunchError } from '../launch-error.js'

/** Asks until the answer is yes; says after a while what it waited for. */
export async function waitFor(what: string, is: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs
  while (!(await is())) {
    if (Date.now() > end) throw new LaunchError(`waited ${withinMs / 1_000} s in vain for ${what}`)
    await sleep(20)
  }
}
