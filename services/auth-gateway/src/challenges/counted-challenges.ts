import { purposes } from '@latchkey/contracts/v1/shapes'
import { Counter, Histogram, type Registry } from 'prom-client'
import type { Answered, ChallengeStore } from './challenge.js'

const verdicts: readonly Answered['verdict'][] = ['claimed', 'wrong', 'limited', 'held', 'gone', 'exhausted']

/** A store whose decisions are counted. It decides as before. */
export function countedChallenges<S extends ChallengeStore>(store: S, metrics: Registry): S {
  const registers = [metrics]
  const asked = new Counter({
    name: 'latchkey_challenges_asked_total',
    help: 'Challenges that were asked for: `opened`, those for nobody included, or refused inside a cooldown or a spent budget (`cooling`)',
    labelNames: ['face', 'purpose', 'verdict'],
    registers,
  })
  const answers = new Counter({
    name: 'latchkey_answers_total',
    help: 'Answers to challenges by verdict: `claimed` are right, `limited` and `exhausted` were not looked at',
    labelNames: ['verdict'],
    registers,
  })
  const verified = new Histogram({
    name: 'latchkey_asked_to_verified_seconds',
    help: 'From the request that opened a challenge to the right answer: carrier, phone and person together',
    labelNames: ['purpose'],
    buckets: [2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600],
    registers,
  })
  for (const verdict of verdicts) answers.inc({ verdict }, 0)
  for (const purpose of purposes) verified.zero({ purpose })
  return {
    ...store,
    async open(wanted) {
      const opened = await store.open(wanted)
      asked.inc({ face: wanted.face, purpose: wanted.purpose, verdict: opened.verdict })
      return opened
    },
    async answer(...answer) {
      const answered = await store.answer(...answer)
      answers.inc({ verdict: answered.verdict })
      return answered
    },
    async settle(claim) {
      verified.observe({ purpose: claim.purpose }, Math.max(0, Date.now() - claim.openedAt.getTime()) / 1_000)
      await store.settle(claim)
    },
  }
}
