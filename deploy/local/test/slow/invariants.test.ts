import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { accountSid, authToken, randomPhone } from '../journey/journey.js'
import { findBreaches } from './invariants.js'
import { type Person, startLoad } from './load.js'
import { production } from './production.js'

const broken = ({ breaches }: Awaited<ReturnType<typeof findBreaches>>) =>
  Object.entries(breaches).flatMap(([sentence, found]) => (found.length > 0 ? [sentence] : []))

t.test('the checker of the invariants finds whatever is planted, and nothing where all is well', async (t) => {
  const on = await production(t)
  const load = startLoad(on, { perSecond: 4 })
  await sleep(2_000)
  await load.stop()
  const [first, second, third] = load.people as [Person, Person, Person]
  t.same(broken(await findBreaches(on, load.people)), [])

  const breaks = async (sentences: readonly string[], people: readonly Person[] = load.people) =>
    t.same(broken(await findBreaches(on, people, 500)), sentences)
  const answered = (status: number): Person => ({
    phone: randomPhone(),
    told: [{ what: 'answer', startedAt: Date.now(), tookMs: 1, status }],
  })
  await breaks(['a code that is gone has had its effect'], [answered(410)])
  await breaks(['nobody was sent away for good with a right code'], [answered(503)])

  await sleep(1_000)
  const api = `${on.carrierUrl}/2010-04-01/Accounts/${accountSid}/Messages.json`
  const authorization = `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}`
  const body = new URLSearchParams({ To: first.phone, From: '+15005550006', Body: '000000 is your code' })
  for (let n = 0; n < 2; n++) await fetch(api, { method: 'POST', headers: { authorization }, body })
  await breaks([
    'no message was accepted more than twice',
    'whatever was accepted twice said the same code',
    'nothing was sent after its expiry or its use',
  ])

  const others = load.people.slice(1)
  const ofChallenge = (person: Person) => [person.challenge?.id]
  await on.sql(
    "update sms_messages set state = 'expired_unsent', rank = 4 where challenge_id = $1",
    ofChallenge(second),
  )
  await breaks(['the delivery log agrees with the ledger'], others)
  await on.sql("update sms_messages set state = 'queued', rank = 0 where challenge_id = $1", ofChallenge(third))
  await breaks(
    [
      'every accepted request has a message whose fate is known',
      'states never went down',
      'the delivery log agrees with the ledger',
    ],
    others,
  )
  const rest = load.people.slice(3)
  await on.sql('delete from state_falls')
  await on.sql(
    `insert into sessions (id, user_id, device_id, face, token_key_id, created_at, idle_expires_at, expires_at)
      select gen_random_uuid(), user_id, device_id, face, token_key_id, created_at, idle_expires_at, expires_at from sessions where id = $1`,
    [rest[0]?.session?.id],
  )
  await on.sql('delete from sessions where id = $1', [rest[1]?.session?.id])
  await breaks(['at most one session per challenge', 'whoever was told of a session has it'], rest)
})
