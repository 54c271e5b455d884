import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { password, randomPhone } from '../journey/journey.js'
import { production, type Production, someoneWithCode } from './production.js'

t.test('hundreds of log-ins that wait for their hash delay and refuse no refresh and no answer', async (t) => {
  // Thirty at once for one person count as guesses until their hashes say otherwise.
  const on = await production(t, { env: { WRONG_PASSWORDS_PER_DAY: '100' } })
  const { call } = on
  const people = await Promise.all(Array.from({ length: 8 }, () => signedUp(on)))
  const alone = await refreshes(on, people, 2_000)

  let busy = true
  const logins: { status: number; tookMs: number }[] = []
  const crowd = Array.from({ length: 240 }, async (_, n) => {
    const { phone } = people[n % people.length] as { phone: string }
    while (busy) {
      const from = performance.now()
      const { status } = await call('POST', '/v1/login', { identifier: phone, password })
      logins.push({ status, tookMs: performance.now() - from })
      // As they are told: Retry-After is a second.
      if (status === 503) await sleep(1_000)
    }
  })
  await eventually('the queue to fill', async () => logins.length > 240)
  const crowded = await refreshes(on, people, 5_000)
  const { code, answerPath } = await someoneWithCode(on)
  t.equal((await call('POST', answerPath, { code })).status, 201, 'nor are codes and their answers held up')
  busy = false
  await Promise.all(crowd)

  t.same([...new Set(crowded.map(({ status }) => status))], [200], 'every refresh was served')
  // No refresh waits for a log-in, but each of its steps waits for a turn on cores full of hashes: the slowest is the machine's to say.
  t.ok(share(crowded, 0.5) < 500, `half of them within ${share(crowded, 0.5)} ms`)
  t.ok(share(crowded, 0.95) < 1_000, `95 of a hundred within ${share(crowded, 0.95)} ms`)
  t.same(
    [...new Set(logins.map(({ status }) => status))].filter((status) => ![200, 503].includes(status)),
    [],
  )
  t.ok(logins.filter(({ status }) => status === 200).length > 30, 'log-ins are served as fast as they can be hashed')
  const latest = Math.max(...logins.map(({ tookMs }) => tookMs))
  // The cores are full of hashes, and this process wants one as well.
  t.ok(latest < 3_000, `the slowest log-in took ${latest.toFixed(0)} ms`)
  t.comment(
    `figures: refresh: median ${share(alone, 0.5)} ms alone; among ${logins.length} log-ins median ${share(crowded, 0.5)} ms, ` +
      `95 % ${share(crowded, 0.95)} ms, 99 % ${share(crowded, 0.99)} ms, all of ${crowded.length} ${share(crowded, 1)} ms; of the log-ins ` +
      `${logins.filter(({ status }) => status === 200).length} were served, median ${share(logins, 0.5)} ms`,
  )
})

async function signedUp({ call, codeFor }: Production) {
  const phone = randomPhone()
  const { body } = await call('POST', '/v1/signup', { phone, password })
  const answer = await call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code: await codeFor(phone) })
  return { phone, refreshToken: answer.body.session.refreshToken as string }
}

/** Everybody refreshes again and again, each with the token that the last refresh gave. */
async function refreshes({ call }: Production, people: { refreshToken: string }[], forMs: number) {
  const told: { status: number; tookMs: number }[] = []
  const end = performance.now() + forMs
  await Promise.all(
    people.map(async (person) => {
      while (performance.now() < end) {
        const from = performance.now()
        const { status, body } = await call('POST', '/v1/token/refresh', { refreshToken: person.refreshToken })
        told.push({ status, tookMs: performance.now() - from })
        if (status === 200) person.refreshToken = body.session.refreshToken
        await sleep(50)
      }
    }),
  )
  return told
}

/** The time within which so great a share of the calls was answered. */
function share(calls: readonly { tookMs: number }[], part: number): number {
  const times = calls.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return Math.round(times[Math.ceil(times.length * part) - 1] ?? 0)
}
