import t from 'tap'
import { careops } from '../dialects/faces/careops.js'
import { faces } from '../dialects/faces/faces.js'
import { settle, tellTale } from '../dialects/scene.js'
import { randomPerson, world } from '../dialects/world.js'

const registering = faces.filter(({ name }) => name !== 'rently')
const hidden = Object.fromEntries(
  registering.map(({ name }) => [`DIALECT_${name.toUpperCase().replaceAll('-', '_')}_HIDE_CONFLICTS`, 'true']),
)

t.test('where conflicts are hidden', async (t) => {
  const here = await world(t, hidden)
  for (const face of registering)
    await t.test(
      `${face.name}: a registration that takes what is taken looks like any other, and takes nothing`,
      async (t) => {
        const { who } = await settle({ ...here, face }, here.client())
        const fresh = randomPerson()
        const free = await face.register(here.client(), fresh)
        const sent = (await here.inbox(who.phone)).length
        for (const taken of ['phone', 'email'] as const) {
          await here.later(face.cooldownSeconds + 1)
          const by = here.client()
          const squatter = { ...randomPerson(), [taken]: who[taken] }
          const answer = await face.register(by, squatter)
          const blank = (text: string) =>
            text.replace(/"(token|access|refresh)":"[^"]*"|"(id|user_id)":\d+|"(created|updated)_?[aA]t":"[^"]*"/g, '')
          t.equal(
            blank(JSON.stringify(tellTale(answer, squatter))),
            blank(JSON.stringify(tellTale(free, fresh))),
            taken,
          )
          t.match(await face.logIn(by, who), face.loggedIn, 'the owner keeps it')
          t.match(await by.call('POST', '/v1/login', { identifier: who[taken], password: squatter.password }), {
            status: 401,
          })
          if (taken === 'phone') {
            const messages = await here.inbox(who.phone)
            t.notOk(
              messages.slice(0, messages.length - sent).some(({ code }) => code !== null),
              'the owner gets no code',
            )
          }
        }
      },
    )

  await t.test('careops: sent again and again, nothing tells whether phone, e-mail or both are taken', async (t) => {
    const { who } = await settle({ ...here, face: careops }, here.client())
    const { phone, email } = who
    const [told, fresh] = [[] as unknown[], randomPerson()]
    // What a phone may be sent is its owner's and everybody's: each way begins when the last is forgotten.
    for (const taken of [{ phone }, { email }, { phone, email }, fresh]) {
      await here.later(24 * 3_600)
      const [by, squatter] = [here.client(), { ...randomPerson(), ...taken }]
      const answers = [await careops.register(by, squatter)]
      for (const seconds of [0, 20, 11, 0, 31, 31, 31, 600, 31]) {
        // What still waits is not sent any more once its code is replaced.
        await here.inbox(squatter.phone)
        await here.later(seconds)
        answers.push(await careops.send(by, squatter))
      }
      told.push(answers.map(({ status, headers }) => [status, headers['retry-after'] !== undefined]))
    }
    const free = told.pop()
    for (const [n, way] of ['phone', 'e-mail', 'both'].entries()) t.same(told[n], free, way)
    await here.code(fresh.phone, 6)
    const codes = (await here.inbox(phone)).filter(({ code }) => code !== null)
    t.equal(codes.length, 1, 'the owner got the code of his own registration, and no other')
  })
})
