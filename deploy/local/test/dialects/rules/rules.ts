import type { Test } from 'tap'
import type { Scene } from '../scene.js'
import { accounts } from './accounts.js'
import { counting } from './counting.js'
import { edge } from './edge.js'
import { sending } from './sending.js'

/** Plays what holds in every face, in one of them. */
export async function playRules(t: Test, scene: Scene): Promise<void> {
  for (const [sentence, proof] of [...counting, ...sending, ...accounts, ...edge])
    await t.test(sentence, (t) => proof(t, scene))
}
