import t, { type Test } from 'tap'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { jodimilan } from '../dialects/faces/jodimilan.js'
import { rently } from '../dialects/faces/rently.js'
import { begin, type Scene, settle, tellTale } from '../dialects/scene.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'

// What somebody has who registered a phone at one face, and what is left of it when its owner proves it at another.

async function onV1({ code, inbox }: World, by: Client, { phone, email, password }: Person): Promise<void> {
  const before = (await inbox(phone)).length
  const { body } = await by.call('POST', '/v1/signup', { phone, email, password })
  await by.call('POST', `/v1/challenges/${body.challenge.id}/answer`, { code: await code(phone, before + 1) })
}

async function atRently({ code, inbox }: World, by: Client, who: Person): Promise<void> {
  const before = (await inbox(who.phone)).length
  await rently.register(by, who)
  await rently.verify(by, who, await code(who.phone, before + 1))
}

const registering = faces.filter(({ name }) => name !== 'rently')

t.test('claims', async (t) => {
  const here = await world(t, { CONFLICTS_PER_HOUR: '2' })

  /** A sentence that holds at each of these faces. */
  const each = (sentence: string, of: readonly Face[], proof: (t: Test, scene: Scene) => Promise<void>) =>
    t.test(sentence, async (t) => {
      for (const face of of) await t.test(face.name, (t) => proof(t, { ...here, face }))
    })

  await each(
    'a proof on /v1 or at rently ends what was registered with that phone: its token, its code and its log-in',
    registering,
    endedElsewhere,
  )

  await each(
    'nobody has the code of a registration sent again whose phone somebody else has proved',
    registering,
    notSentAgain,
  )

  await each(
    'an address is told of as many conflicts an hour as are configured, and then nothing of what is taken or free',
    // Its own test has the ten of the default.
    registering.filter(({ name }) => name !== 'staged'),
    conflicts,
  )

  await t.test('who is signed in is told of as many taken usernames as of any conflict', async (t) => {
    const by = here.client()
    const [who, other] = [randomPerson(), randomPerson()]
    for (const { phone, username, password } of [who, other]) {
      const { body } = await here.client().call('POST', '/v1/signup', { phone, username, password })
      const proved = { code: await here.code(phone) }
      t.equal((await here.client().call('POST', `/v1/challenges/${body.challenge.id}/answer`, proved)).status, 201)
    }
    const { body } = await by.call('POST', '/v1/login', { identifier: who.phone, password: who.password })
    const token = body.session.accessToken as string
    const rename = (username: string) => by.call('PATCH', '/v1/me', { username }, { token })
    for (let turn = 0; turn < 3; turn++) t.equal((await rename(randomPerson().username)).status, 200)
    for (let turn = 0; turn < 2; turn++) t.equal((await rename(other.username)).status, 400)
    const [refused, free] = [await rename(other.username), await rename(randomPerson().username)]
    t.match(refused, { status: 429, body: { code: 'rate.limited' } })
    t.same([free.status, free.body.code], [refused.status, refused.body.code])
  })

  await t.test(
    'jodimilan: where codes are not exposed, no answer has one, and `data` is empty where it would be',
    async (t) => {
      const [by, who] = [here.client(), randomPerson()]
      const { body } = await begin({ face: jodimilan }, by, who)
      t.same(Object.keys(body.data).sort(), ['email', 'phone', 'user_id'])
      await here.code(who.phone)
      await here.later(jodimilan.cooldownSeconds + 1)
      t.same((await jodimilan.send(by, who)).body, {
        code: 200,
        success: true,
        message: 'OTP resent successfully',
        data: {},
      })
    },
  )
})

async function endedElsewhere(t: Test, scene: Scene): Promise<void> {
  const { face, client, code, later, rowsOf } = scene
  const [by, squatter, owner] = [client(), randomPerson(), randomPerson()]
  squatter.phone = owner.phone
  const registered = await begin(scene, by, squatter)
  const token = face.tokenIn(registered) ?? (face.name === 'careops' && face.tokenIn(await face.logIn(by, squatter)))
  const dead = await code(owner.phone)
  await later(face.cooldownSeconds + 1)
  const prove = face.name === 'careops' || face.name === 'jodimilan' ? onV1 : atRently
  await prove(scene, client(), owner)
  t.match(await rowsOf(owner.email), [{ phone: owner.phone, active: true, claimed_email: null }], 'the control')

  if (token) t.match(await face.opens?.(by, token), { status: 401 })
  t.match(await face.verify(by, squatter, dead), face.wrong(2))
  if (face.name === 'careops')
    t.match(await face.logIn(by, squatter), { status: 200, body: { user: { phone_number: null } } })
  else t.match(await face.logIn(by, squatter), face.credentialsWrong)
}

/** The owner proves at the same face; the challenge of the other is still in Redis. */
async function notSentAgain(t: Test, scene: Scene): Promise<void> {
  const { face, client, code, inbox, later } = scene
  const [by, squatter, owner] = [client(), randomPerson(), randomPerson()]
  squatter.phone = owner.phone
  const ownersClient = client()
  await begin(scene, ownersClient, owner)
  await code(owner.phone)
  await later(face.cooldownSeconds + 1)
  await begin(scene, by, squatter)
  await code(owner.phone, 2)
  await later(face.cooldownSeconds + 1)
  t.match(await face.send(ownersClient, owner), face.sent)
  t.match(await face.verify(ownersClient, owner, await code(owner.phone, 3)), face.verified)
  await later(face.cooldownSeconds + 1)
  t.match(await face.send(by, squatter), face.sent)
  // Whatever was queued before this one has gone out when it has.
  const other = randomPerson()
  await begin(scene, client(), other)
  await code(other.phone)
  const sent = await inbox(owner.phone)
  if (face.name === 'jodimilan') {
    const national = { phone: owner.phone.slice(3), dialing_code: '91', otp: sent[0]?.code }
    t.match(await ownersClient.call('POST', '/jodimilan/api/auth/otp/login', national), face.loggedIn, 'a log-in code')
  } else t.equal(sent.length, 3)
}

async function conflicts(t: Test, scene: Scene): Promise<void> {
  const { face, client } = scene
  const { who } = await settle(scene, client())
  const by = client()
  const taken = () => face.register(by, { ...randomPerson(), phone: who.phone })
  t.match([await taken(), await taken()], [face.conflict, face.conflict])
  const [refused, free] = [await taken(), await face.register(by, randomPerson())]
  t.match(refused, face.limited)
  t.ok(face.isShaped(refused))
  t.same(tellTale(free), tellTale(refused), 'what is free is refused alike')
  t.match(await face.register(client(), randomPerson()), face.registered, 'nobody else is refused')
  const [another, hurried] = [client(), client()]
  const fresh = async () => (await face.register(another, randomPerson())).status
  for (let turn = 0; turn < 3; turn++) t.equal(await fresh(), face.registered.status, 'what meets none is not counted')
  const atOnce = Array.from({ length: 12 }, () => face.register(hurried, { ...randomPerson(), phone: who.phone }))
  const told = (await Promise.all(atOnce)).filter(({ status }) => status === face.conflict.status)
  t.ok(told.length <= 2, `${told.length} of twelve at once`)
}
