import { eventually } from '@latchkey/kit/testing'
import t, { type Test } from 'tap'
import type { Face } from '../dialects/faces/face.js'
import { faces } from '../dialects/faces/faces.js'
import { begin, type Scene, settle } from '../dialects/scene.js'
import { type Client, type Person, randomPerson, type World, world } from '../dialects/world.js'

// What only passing time brings about, seen from the faces: tokens that expire by the clock on the wall, and the sweeper's minute.

const lifeSeconds = 60
const weekMs = 7 * 86_400_000
const registering = faces.filter(({ name }) => name !== 'rently')

interface Forgotten {
  readonly scene: Scene
  readonly by: Client
  readonly who: Person
  readonly token: string | undefined
}

/** Somebody who registered and was last seen some days ago. */
async function forgotten(scene: Scene, days: number): Promise<Forgotten> {
  const [by, who] = [scene.client(), randomPerson()]
  const registered = await begin(scene, by, who)
  await scene.code(who.phone)
  const at = new Date(Date.now() - days * 86_400_000)
  await scene.query(
    `update users set created_at = $1, last_sign_in_at = $2 where claimed_email = $3`,
    new Date(Date.now() - 2 * weekMs),
    at,
    who.email,
  )
  return { scene, by, who, token: scene.face.tokenIn(registered) }
}

t.test('faces in time', async (t) => {
  const lives = Object.fromEntries(
    faces.map(({ name }) => [
      `DIALECT_${name.toUpperCase().replaceAll('-', '_')}_ACCESS_TOKEN_SECONDS`,
      String(lifeSeconds),
    ]),
  )
  const here = await world(t, lives)
  const gone: Forgotten[] = []
  const kept: Forgotten[] = []
  for (const face of registering) {
    gone.push(await forgotten({ ...here, face }, 8))
    kept.push(await forgotten({ ...here, face }, 6))
  }

  await t.test('an access token lives as long as its face’s policy says, and not longer', (t) => expiry(t, here))

  await t.test('a registration that nobody signs in to for seven days is as if it had never been', async (t) => {
    await eventually(
      'the sweeper',
      async () => {
        const rows = await Promise.all(gone.map(({ who }) => here.rowsOf(who.email)))
        return rows.every((found) => found.length === 0)
      },
      90_000,
    )
    for (const { scene, by, who, token } of gone) {
      const { face, code } = scene
      if (token !== undefined) t.match(await face.opens?.(by, token), { status: 401 }, face.name)
      t.match(await face.logIn(by, who), face.credentialsWrong, face.name)
      t.match(await face.verify(by, who, await code(who.phone)), face.wrong(2), 'its code proves nobody')
    }
    for (const { scene, by, who } of gone) {
      const { face, inbox, later } = scene
      await later(face.codeLifeSeconds + 1)
      t.match(await face.send(by, who), face.sent)
      t.equal((await inbox(who.phone)).length, 1, 'and nothing is sent any more')
      t.match(await face.register(by, who), face.registered, 'it can be registered again')
    }
    for (const { scene, by, who } of kept) {
      t.equal((await here.rowsOf(who.email)).length, 1, scene.face.name)
      await scene.later(scene.face.codeLifeSeconds + 1)
      t.match(await scene.face.send(by, who), scene.face.sent)
      t.match(await scene.face.verify(by, who, await scene.code(who.phone, 2)), scene.face.verified)
    }
  })
})

interface Opening {
  readonly face: Face
  readonly by: Client
  readonly token: string | undefined
  readonly opens: NonNullable<Face['opens']>
  readonly began: number
}

async function expiry(t: Test, here: World): Promise<void> {
  const opening: Opening[] = []
  for (const face of faces) {
    const by = here.client()
    const began = Date.now()
    const { token } = await settle({ ...here, face }, by)
    const { iat, exp } = JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString())
    t.equal(exp - iat, lifeSeconds, face.name)
    if (face.opens !== undefined) opening.push({ face, by, token, opens: face.opens, began })
  }
  const isShut = async ({ by, token, opens }: Opening) =>
    (await opens(by, token)).headers['www-authenticate'] !== undefined
  for (const one of opening) t.notOk(await isShut(one), `${one.face.name}: it opens`)
  for (const one of opening) {
    await eventually(`${one.face.name}: its end`, () => isShut(one), (lifeSeconds + 10) * 1_000)
    const lived = Date.now() - one.began
    t.ok(lived >= (lifeSeconds - 1) * 1_000, `${one.face.name}: after ${lived} ms`)
    const refused = await one.opens(one.by, one.token)
    t.equal(refused.status, 401)
    t.ok(one.face.isShaped(refused))
  }
}
