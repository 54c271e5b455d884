import t from 'tap'
import type { Answer } from '../journey/journey.js'
import { daySeconds, type Kept, questions } from './strangers.js'
import { tellTale } from './scene.js'
import { type Person, randomPerson, world } from './world.js'

t.test('whatever a stranger asks of any face, its answer is the same whether anybody is there', async (t) => {
  const { client, code, later } = await world(t)
  const [by, owner, nobody] = [client(), randomPerson(), randomPerson()]
  const started = await by.call('POST', '/v1/signup', owner)
  const { id } = started.body.challenge
  t.equal((await by.call('POST', `/v1/challenges/${id}/answer`, { code: await code(owner.phone) })).status, 201)

  const people = [owner, nobody].map((who) => ({ who, by: client(), kept: {} as Kept }))
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

/** All of an answer but when things end, and what nobody could have known before. */
const comparable = (answer: Answer, who: Person): string =>
  JSON.stringify(tellTale(answer, who))
    .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, '‹time›')
    .replace(/[0-9a-f]{3}\.[0-9a-f]{32}/g, '‹challenge›')
    .replace(/\+91•+\d{4}/g, '‹masked›')
    .replace(/"(retryAfter|retry_after)":\d+/g, '"$1":‹seconds›')
