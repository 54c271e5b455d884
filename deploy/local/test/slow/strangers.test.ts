import { randomInt } from 'node:crypto'
import t from 'tap'
import type { Answer } from '../journey/journey.js'
import { daySeconds, type Kept, mailboxOf, type Question, questions } from '../dialects/strangers.js'
import { tellTale } from '../dialects/scene.js'
import { type Client, type Person, randomPerson, world } from '../dialects/world.js'

/** Else an address that asks this much would be refused for that, and nothing be learnt of what else it would be told. */
const wide = { SEND_REQUESTS_PER_MINUTE: '100000', REQUESTS_PER_MINUTE: '100000', WRONG_PER_NETWORK_PER_HOUR: '100000' }
const steps = 100
/** Between two questions: mostly none, so that what is shared would show. */
const pauses = [0, 0, 0, 0, 31, 61, 301]

t.test('strangers', async (t) => {
  const here = await world(t, wide)
  const { client, code, later } = here

  async function account(who = randomPerson()): Promise<Person> {
    const by = client()
    const started = await by.call('POST', '/v1/signup', who)
    const proved = { code: await code(who.phone) }
    t.equal((await by.call('POST', `/v1/challenges/${started.body.challenge.id}/answer`, proved)).status, 201)
    const mailed = await by.call('POST', '/v1/signup', { email: mailboxOf(who), password: who.password })
    const mailProved = { code: await code(mailboxOf(who)) }
    t.equal((await by.call('POST', `/v1/challenges/${mailed.body.challenge.id}/answer`, mailProved)).status, 201)
    return who
  }

  await t.test('whatever a stranger asks of any face, its answer is the same whether anybody is there', async (t) => {
    const people = [await account(), randomPerson()].map((who) => ({ who, by: client(), kept: {} as Kept }))
    for (const { asks, ask, afterSeconds = daySeconds } of questions) {
      await later(afterSeconds)
      // Often enough to meet the cooldown, the last wrong answer, and what follows it.
      for (let turn = 1; turn <= 7; turn++) {
        const [known, unknown] = await Promise.all(
          people.map(async ({ who, by, kept }) => comparable(await ask(by, who, kept), who)),
        )
        t.same(known, unknown, `${asks}, ${turn}`)
      }
    }
  })

  await t.test(
    'in whatever order a stranger asks, nothing tells that a phone, an e-mail and a username are one person’s',
    async (t) => {
      const [one, another, third] = [await account(), await account(), await account()]
      const people = [await account(), { ...one, email: another.email, username: third.username }, randomPerson()]
      const subjects = people.map((who) => ({ who, by: [client(), client()] as const, kept: {} as Kept }))
      await later(daySeconds)
      const asked: string[] = []
      for (let step = 0; step < steps && t.passing(); step++) {
        const { asks, ask } = questions[randomInt(questions.length)] as Question
        const [from, afterSeconds] = [randomInt(2), pauses[randomInt(pauses.length)] ?? 0]
        if (afterSeconds > 0) await later(afterSeconds)
        asked.push(`${afterSeconds} s: ${asks} (${from})`)
        const heard = await Promise.all(
          subjects.map(async ({ who, by, kept }) => comparable(await ask(by[from] as Client, who, kept), who)),
        )
        for (const other of heard.slice(1)) t.same(other, heard[0], asked.join('\n'))
      }
    },
  )
})

/** All of an answer but when things end, and what nobody could have known before. */
const comparable = (answer: Answer, who: Person): string =>
  JSON.stringify(tellTale(answer, who))
    .replace(/"delivery":"\w+"/, '')
    .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '‹time›')
    .replace(/[0-9a-f]{3}\.[0-9a-f]{32}/g, '‹challenge›')
    .replace(/\+91•+\d{4}/g, '‹masked›')
    .replace(/"(retryAfter|retry_after)":\d+/g, '"$1":‹seconds›')
