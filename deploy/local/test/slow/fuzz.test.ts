import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { eventually, testStores } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import { world } from '../dialects/world.js'
import { anyLife, live } from './fuzz/lives.js'
import { outage } from './fuzz/outages.js'
import { stories } from './fuzz/stories.js'
import { foundTown, requestsPerMinute, type Town } from './fuzz/town.js'
import { ownRedisServer } from './servers.js'

// A 500 is a defect: the run ends with the first one, so it can reach none of the 500s that are declared.
const isProvoked = (pair: string) => !pair.endsWith(' 500')

const atOnce = 4
const livesEach = 110
const wanted = 10_000

/** A life that went wrong is lived again alone: FUZZ_SEED and FUZZ_PATH, as they were printed. */
const { FUZZ_SEED, FUZZ_PATH } = process.env

t.test('whatever comes in, in whatever order, nothing fails and nothing opens that should not', async (t) => {
  const redis = await ownRedisServer(t)
  const all = await world(
    t,
    { EXEMPT_CLIENTS: '2001:db8::/32', REQUESTS_PER_MINUTE: String(requestsPerMinute), LOG_LEVEL: 'info' },
    { ...testStores(), redisUrl: redis.url },
  )
  const town = await foundTown(t, all)
  const { stack } = all
  const began = performance.now()

  if (FUZZ_SEED !== undefined) {
    await fuzz(t, town, { seed: Number(FUZZ_SEED), ...(FUZZ_PATH !== undefined && { path: FUZZ_PATH }) })
    return
  }

  await t.test('the stories alone', async (t) => {
    const waiting = Object.keys(stories)
    async function work(): Promise<void> {
      for (let story = waiting.pop(); story !== undefined; story = waiting.pop())
        await live(town, { story, between: [] }).catch((error: unknown) => t.fail(`${story}: ${String(error)}`))
    }
    await Promise.all(Array.from({ length: atOnce }, work))
  })

  await t.test('with anything in between', async (t) => {
    const seed = randomInt(2 ** 31)
    await Promise.all(Array.from({ length: atOnce }, (_, n) => fuzz(t, town, { seed: seed + n })))
    t.ok(town.tally.requests >= wanted, `${town.tally.requests} requests`)
  })

  await t.test('with users away, and with Redis', async (t) => {
    await outage(
      town,
      () => stack.processes.users.stop('SIGKILL', 0),
      () => stack.restart('users'),
    )
    await outage(
      town,
      async () => redis.freeze(),
      async () => redis.thaw(),
    )
    await eventually('the gateway to work again', async () => {
      const { status } = await fetch(`${stack.opsUrls['auth-gateway']}/ready`)
      return status === 200
    })
    t.pass('every operation said so, or had no need of it')
  })

  const declared = [...town.operations].flatMap(([op, { responses }]) =>
    Object.keys(responses).map((status) => `${op} ${status}`),
  )
  const counted = declared.filter(isProvoked)
  const { requests, reached, slowest } = town.tally
  const missed = counted.filter((pair) => !reached.has(pair))
  const share = (counted.length - missed.length) / counted.length
  const seconds = Math.round((performance.now() - began) / 1_000)
  t.comment(
    `figures: ${requests} requests in ${seconds} s, ${counted.length - missed.length} of ${counted.length} declared pairs (${(100 * share).toFixed(1)} %), slowest ${Math.round(slowest.ms)} ms (${slowest.what})`,
  )
  t.comment(`not reached: ${missed.join(', ')}`)
  t.ok(share >= 0.9, 'nine of ten declared answers were met')
})

/** Lives many lives, each from its own numbers. */
async function fuzz(t: Test, town: Town, from: { seed: number; path?: string }): Promise<void> {
  const found = await fc.check(
    fc.asyncProperty(anyLife(town), (life) => live(town, life)),
    { ...from, numRuns: from.path === undefined ? livesEach : 1, endOnFailure: true },
  )
  if (!found.failed) return
  const { seed, counterexamplePath, counterexample, errorInstance } = found
  t.fail(`FUZZ_SEED=${seed} FUZZ_PATH=${counterexamplePath} npm run test:slow -- deploy/local/test/slow/fuzz.test.ts`, {
    life: counterexample,
    error: String(errorInstance),
  })
}
