import { randomBytes } from 'node:crypto'
import t from 'tap'
import { Pool } from 'undici'
import type { Answer } from '../journey/journey.js'
import { faces } from '../dialects/faces/faces.js'
import { type Client, randomPerson, send } from '../dialects/world.js'
import { production } from './production.js'

// Production where no carrier is configured: accounts come into being, and nobody waits for a code that will never be sent.

t.test('faces without a carrier', async (t) => {
  const { stack, sql } = await production(t, {
    env: {
      SMS_PROVIDERS: 'none',
      DIALECTS: faces.map(({ name }) => name).join(','),
      JODIMILAN_USER_KEY: randomBytes(32).toString('base64'),
    },
  })
  const pool = new Pool(stack.gatewayUrl)
  t.teardown(() => pool.destroy())
  const by: Client = {
    address: '127.0.0.1',
    agent: 'agent',
    call: (method, path, body, more) =>
      send(pool, method, path, body, { address: '127.0.0.1', agent: 'agent', ...more }),
  }
  const isAway = (answer: Answer) => ({
    status: answer.status,
    wait: answer.headers['retry-after'],
    jodimilan: answer.body.code ?? 503,
  })
  const away = { status: 503, wait: '1', jodimilan: 503 }

  for (const face of faces)
    await t.test(`${face.name}: accounts come into being, and what exists to send a code is 503`, async (t) => {
      const who = randomPerson()
      const registered = await face.register(by, who)
      if (face.name === 'rently') {
        t.match(isAway(registered), away)
        t.ok(face.isShaped(registered))
      } else {
        t.match(registered, face.registered)
        t.equal((await sql('select 1 from users where claimed_email = $1', [who.email])).length, 1)
        if (face.name === 'careops') t.equal(registered.body.sms_status, 'skipped')
      }
      for (const whom of [who, randomPerson()]) {
        const refused = await face.send(by, whom)
        t.match(isAway(refused), away)
        t.ok(face.isShaped(refused), JSON.stringify(refused.body))
      }
      if (face.name === 'rently') {
        const { email, phone } = who
        const refused = await by.call('POST', '/rently/api/auth/forgot-password-initiate', { email, phone })
        t.match(isAway(refused), away)
        t.ok(face.isShaped(refused))
      }
      t.match(await face.verify(by, who, '123456'), face.wrong(2), 'no code is right')
      if (!face.loginNeedsProof && face.name !== 'users-api') t.match(await face.logIn(by, who), face.loggedIn)
    })

  await t.test('/v1 refuses what it cannot send as well', async (t) => {
    t.match(await by.call('POST', '/v1/signup', { phone: randomPerson().phone }), {
      status: 503,
      body: { code: 'unavailable' },
    })
  })
  await t.test('no message waits for a carrier', async (t) => {
    t.same(await sql('select id from sms_messages'), [])
  })
})
