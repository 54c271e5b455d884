import t, { type Test } from 'tap'
import { faces } from '../dialects/faces/faces.js'
import { begin, notTheCode, type Scene } from '../dialects/scene.js'
import { type Client, type Person, randomAddress, randomPerson, world } from '../dialects/world.js'

// Somebody registers with a phone that is not his, before or after its owner does. Only the owner reads its messages.

interface Side {
  readonly by: Client
  readonly who: Person
  token?: string | undefined
}

/** Registers, after the cooldown where a face will not have it before; whether the registration's own code went out is found out. */
async function enter(t: Test, scene: Scene, side: Side): Promise<{ sent: boolean }> {
  const { face, inbox, later } = scene
  const before = (await inbox(side.who.phone)).length
  let answer = await face.register(side.by, side.who)
  if (face.resends === null && answer.status === 429) {
    await later(face.cooldownSeconds + 1)
    answer = await face.register(side.by, side.who)
  }
  t.match(answer, face.registered)
  side.token = face.tokenIn(answer)
  if (!face.registeringSends || (face.resends === null && before > 0)) {
    if (!face.registeringSends) await sendAgain(t, scene, side)
    else await scene.code(side.who.phone, before + 1)
    return { sent: true }
  }
  if (before === 0) await scene.code(side.who.phone, 1)
  return { sent: before === 0 }
}

/** Has the code of one side sent, after the cooldown; answers it as the owner of the phone reads it. */
async function sendAgain(t: Test, { face, later, inbox, code }: Scene, { by, who }: Side): Promise<string> {
  const before = (await inbox(who.phone)).length
  if (before > 0) await later(face.cooldownSeconds + 1)
  t.match(await face.send(by, who), face.sent)
  return code(who.phone, before + 1)
}

interface Course {
  readonly first: 'attacker' | 'owner'
  readonly resend: boolean
  readonly sameNetwork: boolean
}

async function contest(t: Test, scene: Scene, { first, resend, sameNetwork }: Course): Promise<void> {
  const { face, client, code, inbox } = scene
  const [address, agent] = [randomAddress(), 'Attacker/1.0']
  const owner: Side = { by: client({ address }), who: randomPerson() }
  const attacker: Side = {
    by: client(sameNetwork ? { address, agent } : { agent }),
    // What a verify names must be the same, else the two never meet.
    who: {
      ...randomPerson(),
      phone: owner.who.phone,
      ...((face.name === 'careops' || face.name === 'rently') && { email: owner.who.email }),
    },
  }
  const order = first === 'attacker' ? [attacker, owner] : [owner, attacker]
  const own = new Map<Side, string>()
  for (const side of order) {
    const { sent } = await enter(t, scene, side)
    if (sent) own.set(side, await code(side.who.phone))
  }
  if (resend) for (const side of order) own.set(side, await sendAgain(t, scene, side))
  const known = (await inbox(owner.who.phone)).map((message) => String(message.code))

  // The attacker knows no code; the owner may type the code that the attacker had sent.
  t.match(await face.verify(attacker.by, attacker.who, known.reduce(notAnyOf, '000001')), { status: 400 })
  const foreign = own.get(attacker)
  const right = own.get(owner) ?? (await sendAgain(t, scene, owner))
  if (foreign !== undefined && foreign !== right && face.name !== 'rently')
    t.match(
      await face.verify(owner.by, owner.who, foreign),
      face.wrong(2),
      "the attacker's code is wrong for the owner",
    )
  t.match(await face.verify(owner.by, owner.who, right), face.verified)
  await ownerHasIt(t, scene, owner, attacker)
}

const notAnyOf = (wrong: string, code: string): string => (wrong === code ? notTheCode(code) : wrong)

async function ownerHasIt(t: Test, { face, query, rowsOf }: Scene, owner: Side, attacker: Side): Promise<void> {
  const setPassword = (side: Side) =>
    side.by.call('POST', '/staged/api/auth/change-password', { newPassword: side.who.password }, { token: side.token })
  if (face.name === 'staged') {
    t.match(await setPassword(attacker), { status: 401 })
    t.match(await setPassword(owner), { status: 200 })
  }
  if (face.opens !== undefined && face.name !== 'staged') {
    t.match(await face.opens(attacker.by, attacker.token), { status: 401 }, "the attacker's token opens nothing")
    if (owner.token !== undefined) t.match(await face.opens(owner.by, owner.token), { status: 200 })
  }
  t.match(await face.logIn(owner.by, owner.who), face.loggedIn)
  t.match(await face.logIn(attacker.by, attacker.who), face.credentialsWrong)
  const v1 = (identifier: string, { password }: Person) => owner.by.call('POST', '/v1/login', { identifier, password })
  t.match(await v1(owner.who.phone, owner.who), { status: 200, body: { user: { email: owner.who.email } } })
  for (const identifier of [owner.who.phone, owner.who.email, attacker.who.email, attacker.who.username])
    t.match(await v1(identifier, attacker.who), { status: 401 }, 'his password logs in nowhere')
  t.equal((await query('select id from users where $1 in (phone, claimed_phone)', owner.who.phone)).length, 1)
  t.match(await rowsOf(owner.who.email), [{ phone: owner.who.phone, active: true }])
}

t.test('whoever registers somebody else’s phone, first or second, gets nothing', async (t) => {
  const here = await world(t)
  for (const face of faces)
    for (const first of ['attacker', 'owner'] as const)
      for (const resend of [false, true])
        await t.test(
          `${face.name}: the ${first} first, ${resend ? 'both have it sent again' : 'as it comes'}: the account is the owner’s`,
          (t) => contest(t, { ...here, face }, { first, resend, sameNetwork: resend }),
        )

  for (const face of faces.filter(({ name }) => name !== 'rently' && name !== 'jodimilan'))
    await t.test(`${face.name}: an owner who has moved to another network is known by his token`, async (t) => {
      const scene = { ...here, face }
      const owner: Side = { by: here.client(), who: randomPerson() }
      const attacker = { ...randomPerson(), phone: owner.who.phone, email: owner.who.email }
      const registered = await begin(scene, owner.by, owner.who)
      const code = await here.code(owner.who.phone)
      await face.register(here.client(), attacker)
      if (!face.registeringSends) await here.later(face.cooldownSeconds + 1)
      const moved = here.client()
      // Where registering gives no token, logging in does.
      const token = face.tokenIn(registered) ?? face.tokenIn(await face.logIn(owner.by, owner.who))
      if (face.registeringSends)
        t.match(
          await face.verify(moved, owner.who, code),
          { status: 400 },
          'without it nobody can say whose code is meant',
        )
      t.match(await face.verify(moved, owner.who, code, token), face.verified)
    })

  await t.test(
    'whose own code has ended does not prove the attacker’s registration by the code that it sent',
    async (t) => {
      for (const face of faces.filter(({ name }) => name !== 'rently'))
        await t.test(face.name, async (t) => {
          const owner: Side = { by: here.client(), who: randomPerson() }
          await face.register(owner.by, owner.who)
          const before = face.registeringSends ? 1 : 0
          if (face.registeringSends) await here.code(owner.who.phone)
          await here.later(face.codeLifeSeconds + 1)
          const attacker = { ...randomPerson(), phone: owner.who.phone, email: owner.who.email }
          await begin({ face }, here.client(), attacker)
          const foreign = await here.code(owner.who.phone, before + 1)
          t.match(await face.verify(owner.by, owner.who, foreign), face.wrong(2))
          t.same(await here.query('select id from users where phone = $1', owner.who.phone), [])
          await here.later(face.cooldownSeconds + 1)
          t.match(await face.send(owner.by, owner.who), face.sent)
          t.match(await face.verify(owner.by, owner.who, await here.code(owner.who.phone, before + 2)), face.verified)
        })
    },
  )

  for (const face of faces.filter(({ name }) => name !== 'rently'))
    await t.test(
      `${face.name}: four registrations of one phone: the newest three have codes, the owner’s is among them`,
      async (t) => {
        const scene = { ...here, face }
        const owner: Side = { by: here.client(), who: randomPerson() }
        const registered = await begin(scene, owner.by, owner.who)
        owner.token = face.tokenIn(registered)
        const code = await here.code(owner.who.phone)
        for (let n = 0; n < 3; n++) {
          const attacker = {
            ...randomPerson(),
            phone: owner.who.phone,
            ...(face.name === 'careops' && { email: owner.who.email }),
          }
          await begin(scene, here.client(), attacker)
        }
        t.match(
          await face.verify(owner.by, owner.who, code),
          face.verified,
          'those to which no SMS went are replaced first',
        )
      },
    )
})
