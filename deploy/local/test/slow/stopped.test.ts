import { randomBytes } from 'node:crypto'
import { eventually } from '@latchkey/kit/testing'
import t from 'tap'
import { request } from 'undici'
import { faces } from '../dialects/faces/faces.js'
import { begin, settle, tellTale } from '../dialects/scene.js'
import { type Person, randomPerson, world } from '../dialects/world.js'

t.test('what an operator stops is refused by every face, alike for those it knows and for others', async (t) => {
  const secret = randomBytes(32).toString('base64url')
  const here = await world(t, { INTERNAL_SECRET: secret })
  async function ask(path: string, order: object): Promise<{ switch: { id: string } }> {
    const answer = await request(`${here.stack.usersUrl}/internal/switches${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify({ by: { operator: 'asha' }, ...order }),
    })
    t.equal(answer.statusCode, 200)
    return (await answer.body.json()) as { switch: { id: string } }
  }
  const until = new Date(Date.now() + 3_600_000).toISOString()
  const stop = (target: string, name: string) =>
    ask('', { order: { does: 'stop', target, name, until, why: 'somebody pumps' } })
  const probe = here.client()
  /** Each process has its own look at the switches, and may keep it for half a second: a gateway refuses, a worker does not send. */
  const stopped = async (target: string, name: string) => {
    await eventually(
      'the gateway to refuse',
      async () => (await here.client().call('POST', '/v1/login/code', { phone: randomPerson().phone })).status === 503,
      2_000,
    )
    const figure = `latchkey_switched{does="stop",target="${target}",name="${name}"`
    await eventually('the worker to know', async () => {
      const metrics = await request(`${here.stack.opsUrls['sms-worker']}/metrics`)
      return (await metrics.body.text()).includes(figure)
    })
  }

  const known = await Promise.all(
    faces.map(async (face) => {
      const scene = { ...here, face }
      const waiting = randomPerson()
      await begin(scene, here.client(), waiting)
      return { face, settled: (await settle(scene, here.client())).who, waiting }
    }),
  )
  await here.later(600)
  const messages = async (people: readonly Person[]) =>
    (await Promise.all(people.map(({ phone }) => here.inbox(phone)))).flat().length

  const sent: { everybody: Person[]; before: number }[] = []
  const country = await stop('country', 'IN')
  await stopped('country', 'IN')
  for (const { face, settled, waiting } of known) {
    const nobody = randomPerson()
    const everybody = [settled, waiting, nobody]
    const before = await messages(everybody)
    // Where an e-mail is named a refusal would tell where its phone is: what would go there is not sent, and nobody is told.
    const byPhone = face.name !== 'careops'
    const told = await Promise.all(everybody.map((who) => face.send(here.client(), who)))
    t.strictSame(
      told.map(({ status }) => status),
      byPhone ? [503, 503, 503] : [200, 200, 200],
      face.name,
    )
    t.ok(
      !byPhone || told.every((answer) => face.isShaped(answer) && Number(answer.headers['retry-after']) > 3_000),
      face.name,
    )
    t.equal(new Set(told.map((answer) => JSON.stringify(tellTale(answer, ...everybody)))).size, 1, face.name)
    if (face.registeringSends) {
      const answer = await face.register(here.client(), nobody)
      t.equal(answer.status, 503, face.name)
      t.strictSame(await here.rowsOf(nobody.email), [], 'and nothing came into being')
    }
    sent.push({ everybody, before })
  }
  const problem = await probe.call('POST', '/v1/signup', { phone: randomPerson().phone })
  t.match(problem, { status: 503, body: { code: 'unavailable', retryAt: until, detail: /to this country/ } })
  for (const { everybody, before } of sent) t.equal(await messages(everybody), before, 'no SMS went out')
  await ask('/end', { id: country.switch.id })
  await eventually(
    'the end of it',
    async () => (await here.client().call('POST', '/v1/login/code', { phone: randomPerson().phone })).status === 202,
    2_000,
  )

  await here.later(120)
  await stop('purpose', 'sign_in')
  await stopped('purpose', 'sign_in')
  t.equal((await probe.call('POST', '/v1/signup', { phone: randomPerson().phone })).status, 202, 'the rest goes on')
  for (const { face, settled, waiting } of known) {
    const told = await Promise.all([settled, waiting, randomPerson()].map((who) => face.send(here.client(), who)))
    t.equal(new Set(told.map(({ status }) => status)).size, 1, `${face.name}: whose code it is, nobody can tell`)
  }
})
